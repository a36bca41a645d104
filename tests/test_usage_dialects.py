"""A sample of every dialect, made up, with its totals by hand; and what becomes of it when it changes."""

import csv
import io
import json
from copy import deepcopy

import pyarrow as pa
import pytest
from logs import WITH_WRITTEN, lines, totals
from pyarrow import parquet

from kimi_planner import read_usage
from kimi_planner.errors import UsageError
from kimi_planner.usage.dialects import dialects

DAY = "2026-03-05"
AT = f"{DAY}T10:00:00Z"
SECONDS = 1_772_704_800


def otlp(*spans, top="resourceSpans", inner="scopeSpans"):
    """Return spans as OTLP writes them, whole numbers as text."""
    return {top: [{inner: [{"spans": [
        {**span, "attributes": [
            {"key": key, "value": {"intValue": str(value)} if type(value) is int else {"stringValue": value}}
            for key, value in span["attributes"].items()
        ]} for span in spans
    ]}]}]}  # fmt: skip


def span(name, parent="", **attributes):
    return {
        "traceId": "t1", "spanId": name, "parentSpanId": parent, "name": name,
        "startTimeUnixNano": f"{SECONDS}000000000", "attributes": attributes,
    }  # fmt: skip


def genai(prompt, completion, **more):
    return {
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "kimi-k2", "gen_ai.usage.input_tokens": prompt,
        "gen_ai.usage.output_tokens": completion, **more,
    }  # fmt: skip


CHAT = {
    "id": "chatcmpl-aaaaaaaa1", "object": "chat.completion", "created": SECONDS, "model": "kimi-k2",
    "choices": [{"message": {"role": "assistant", "content": "tokens: 5"}}],
    "usage": {"prompt_tokens": 1100, "completion_tokens": 330, "total_tokens": 1430,
              "prompt_tokens_details": {"cached_tokens": 512}, "completion_tokens_details": {"reasoning_tokens": 70}},
}  # fmt: skip
MESSAGE = {
    "id": "msg_aaaaaaaaaa", "type": "message", "role": "assistant", "model": "kimi-k2", "content": [],
    "usage": {"input_tokens": 11, "cache_read_input_tokens": 700, "cache_creation_input_tokens": 90, "output_tokens": 33,
              "cache_creation": {"ephemeral_5m_input_tokens": 60, "ephemeral_1h_input_tokens": 30}},
}  # fmt: skip

#: From a name: the dialect, entries, and the totals that they mean (None where the form does not say).
SAMPLES = {
    "reply": ("replies", [CHAT], (1, 1100, 512, 330, 70, 0, 0)),
    "stream": ("replies", [
        {"id": "s1", "object": "chat.completion.chunk", "created": SECONDS, "model": "kimi-k2", "choices": [{"delta": {"content": "a"}}]},
        {"id": "s1", "object": "chat.completion.chunk", "created": SECONDS, "model": "kimi-k2", "choices": [{"delta": {}, "usage": CHAT["usage"]}]},
    ], (1, 1100, 512, 330, 70, 0, 0)),
    "responses": ("replies", [{
        "id": "resp_000000001", "object": "response", "created_at": SECONDS, "model": "kimi-k2",
        "usage": {"input_tokens": 1100, "input_tokens_details": {"cached_tokens": 512}, "output_tokens": 330,
                  "output_tokens_details": {"reasoning_tokens": 70}, "total_tokens": 1430},
    }], (1, 1100, 512, 330, 70, 0, 0)),
    "messages": ("replies", [MESSAGE], (1, 801, 700, 33, None, 60, 30)),
    "deepseek": ("replies", [{**CHAT, "usage": {
        "prompt_tokens": 1100, "completion_tokens": 330, "total_tokens": 1430, "prompt_cache_hit_tokens": 512, "prompt_cache_miss_tokens": 588,
    }}], (1, 1100, 512, 330, None, 0, 0)),
    "batch": ("batch results", [{"custom_id": "a", "response": {"status_code": 200, "body": CHAT}}], (1, 1100, 512, 330, 70, 0, 0)),
    "anthropic batch": ("batch results", [
        {"custom_id": "a", "result": {"type": "succeeded", "message": MESSAGE}},
        {"custom_id": "b", "result": {"type": "errored", "error": {"type": "invalid_request"}}},
    ], (1, 801, 700, 33, None, 60, 30)),
    "anthropic stream": ("event streams", [
        {"type": "message_start", "message": {**MESSAGE, "usage": {"input_tokens": 11, "cache_read_input_tokens": 700, "output_tokens": 1}}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 33}},
        {"type": "message_stop"},
    ], (1, 711, 700, 33, None, 0, 0)),
    "kimi cli": ("Kimi CLI", [
        {"type": "metadata", "protocol_version": "1.3"},
        {"timestamp": SECONDS + 0.5, "message": {"type": "StatusUpdate", "payload": {"message_id": "chatcmpl-bbbbbbbb", "token_usage": {
            "input_other": 120, "output": 45, "input_cache_read": 900, "input_cache_creation": 30}}}},
        {"timestamp": SECONDS + 1.5, "message": {"type": "SubagentEvent", "payload": {"event": {"type": "StatusUpdate", "payload": {
            "message_id": "chatcmpl-cccccccc", "token_usage": {"input_other": 7, "output": 5, "input_cache_read": 0, "input_cache_creation": 0}}}}}},
    ], (2, 1057, 900, 50, None, 30, 0)),
    "claude code": ("Claude Code", [
        {"type": "user", "uuid": "u0", "sessionId": "x", "timestamp": AT, "message": {"role": "user", "content": "hi"}},
        {"type": "assistant", "uuid": "u1", "sessionId": "x", "requestId": "req_1", "timestamp": AT, "message": {**MESSAGE, "usage": {**MESSAGE["usage"], "output_tokens": 2}}},
        {"type": "assistant", "uuid": "u2", "sessionId": "x", "requestId": "req_1", "timestamp": AT, "message": MESSAGE},
    ], (1, 801, 700, 33, None, 60, 30)),
    "claude code result": ("Claude Code result", [
        {"type": "assistant", "session_id": "x", "uuid": "u1", "message": MESSAGE},
        {"type": "result", "session_id": "x", "uuid": "u2", "total_cost_usd": 0.5, "usage": MESSAGE["usage"], "modelUsage": {
            "kimi-k2": {"inputTokens": 11, "outputTokens": 33, "cacheReadInputTokens": 700, "cacheCreationInputTokens": 90, "costUSD": 0.5}}},
    ], (1, 801, 700, 33, None, 60, 30)),
    "ccusage": ("ccusage", [{"daily": [{
        "date": DAY, "inputTokens": 100, "outputTokens": 60, "cacheCreationTokens": 20, "cacheReadTokens": 800, "totalTokens": 980, "totalCost": 0.5, "modelsUsed": ["kimi-k2"],
        "modelBreakdowns": [{"modelName": "kimi-k2", "inputTokens": 100, "outputTokens": 60, "cacheCreationTokens": 20, "cacheReadTokens": 800, "cost": 0.5}],
    }], "totals": {"inputTokens": 100, "outputTokens": 60}}], (1, 920, 800, 60, None, 20, 0)),
    "claude code analytics": ("Claude Code analytics", [{"data": [{"date": AT, "actor": {"type": "user_actor"}, "core_metrics": {"num_sessions": 5}, "model_breakdown": [
        {"model": "kimi-k2", "tokens": {"input": 11, "output": 33, "cache_read": 700, "cache_creation": 90}, "estimated_cost": {"currency": "USD", "amount": 5}}]}],
        "has_more": False}], (1, 801, 700, 33, None, 90, 0)),
    "portkey": ("Portkey", [
        {"id": "pk-11111111", "created_at": AT, "ai_org": "moonshot", "ai_model": "kimi-k2", "req_units": 1000, "res_units": 300, "total_units": 1300, "response_status_code": 200, "cache_status": "MISS"},
        {"id": "pk-11111112", "created_at": AT, "ai_org": "moonshot", "ai_model": "kimi-k2", "req_units": 1000, "res_units": 300, "total_units": 1300, "response_status_code": 200, "cache_status": "HIT"},
    ], (1, 1000, None, 300, None, 0, 0)),
    "opik": ("Opik", [
        {"id": "0199-aaaa-0", "type": "general", "trace_id": "t", "parent_span_id": None, "start_time": AT, "usage": {"prompt_tokens": 1000, "completion_tokens": 300}},
        {"id": "0199-aaaa-1", "type": "llm", "trace_id": "t", "parent_span_id": "0199-aaaa-0", "start_time": AT, "model": "kimi-k2", "usage": {
            "prompt_tokens": 1000, "completion_tokens": 300, "total_tokens": 1300, "original_usage.prompt_tokens": 1000,
            "original_usage.prompt_tokens_details.cached_tokens": 640, "original_usage.completion_tokens_details.reasoning_tokens": 40}},
    ], (1, 1000, 640, 300, 40, 0, 0)),
    "openai agents": ("OpenAI Agents spans", [
        {"object": "trace.span", "id": "span_11111111", "trace_id": "t", "parent_id": None, "started_at": AT, "span_data": {"type": "agent", "name": "a"}},
        {"object": "trace.span", "id": "span_22222222", "trace_id": "t", "parent_id": "span_11111111", "started_at": AT, "span_data": {"type": "generation", "model": "kimi-k2", "usage": {
            "input_tokens": 1000, "output_tokens": 300, "input_tokens_details": {"cached_tokens": 640}, "output_tokens_details": {"reasoning_tokens": 40}}}},
    ], (1, 1000, 640, 300, 40, 0, 0)),
    "lunary": ("Lunary", [{"id": "run-1111-2222", "type": "llm", "name": "kimi-k2", "createdAt": AT, "status": "success", "tokens": {"prompt": 1000, "completion": 300, "total": 1300}}],
        (1, 1000, None, 300, None, 0, 0)),
    "dify": ("Dify messages", [{"id": "m-1111-2222", "conversation_id": "c", "model_id": "kimi-k2", "created_at": "2026-03-05 10:00:00", "message_tokens": 1000, "message_unit_price": "0.001",
        "answer": "x", "answer_tokens": 300, "answer_unit_price": "0.002", "total_price": "0.5", "currency": "USD"}], (1, 1000, None, 300, None, 0, 0)),
    "bedrock": ("Bedrock invocations", [{"schemaType": "ModelInvocationLog", "timestamp": AT, "requestId": "r-1111-2222", "operation": "Converse", "modelId": "moonshot.kimi-k2-thinking",
        "input": {"inputContentType": "application/json", "inputTokenCount": 11, "cacheReadInputTokenCount": 700, "cacheWriteInputTokenCount": 90},
        "output": {"outputContentType": "application/json", "outputTokenCount": 33}}], (1, 801, 700, 33, None, 90, 0)),
    "anthropic report": ("Anthropic usage report", [{"data": [{"starting_at": f"{DAY}T00:00:00Z", "ending_at": "2026-03-06T00:00:00Z", "results": [{
        "uncached_input_tokens": 150, "cache_read_input_tokens": 40, "output_tokens": 50, "model": "kimi-k2", "service_tier": "standard",
        "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 10}, "server_tool_use": {"web_search_requests": 3}}]}],
        "has_more": False}], (1, 205, 40, 50, None, 5, 10)),
    "openai usage": ("OpenAI usage export", [{"object": "page", "has_more": False, "data": [{"object": "bucket", "start_time": SECONDS, "end_time": SECONDS + 3600, "results": [{
        "input_tokens": 1000, "output_tokens": 300, "input_cached_tokens": 640, "num_model_requests": 9, "model": "kimi-k2", "batch": False}]}]}],
        (9, 1000, 640, 300, None, 0, 0)),
    "openrouter generation": ("OpenRouter generations", [{"data": {
        "id": "gen-123456789", "model": "moonshotai/kimi-k2", "created_at": AT, "total_cost": 0.01, "tokens_prompt": 950, "tokens_completion": 280,
        "native_tokens_prompt": 1000, "native_tokens_completion": 300, "native_tokens_cached": 640, "native_tokens_reasoning": 40}}],
        (1, 1000, 640, 300, 40, 0, 0)),
    "openrouter activity": ("OpenRouter activity", [{
        "generation_id": "gen-123456789", "created_at": "2026-03-05 10:00:00.5", "cost_total": 0.01, "cost_cache": -0.001, "tokens_prompt": 1000, "tokens_completion": 300,
        "tokens_reasoning": 40, "tokens_cached": 640, "model_permaslug": "moonshotai/kimi-k2", "cancelled": "false"}], (1, 1000, 640, 300, 40, 0, 0)),
    "cloudflare": ("Cloudflare AI gateway", [{"result": [
        {"id": "log-12345678", "created_at": AT, "provider": "moonshot", "model": "kimi-k2", "success": True, "cached": False, "tokens_in": 1000, "tokens_out": 300, "cost": 0.01, "duration": 900},
        {"id": "log-12345679", "created_at": AT, "provider": "moonshot", "model": "kimi-k2", "success": True, "cached": True, "tokens_in": 1000, "tokens_out": 300, "cost": 0, "duration": 9},
    ], "success": True, "result_info": {"page": 1, "per_page": 20, "count": 2, "total_count": 2}}], (1, 1000, None, 300, None, 0, 0)),
    "posthog": ("PostHog", [{"uuid": "0190-aaaa-bbbb", "event": "$ai_generation", "timestamp": AT, "properties": {
        "$ai_model": "kimi-k2", "$ai_provider": "moonshot", "$ai_input_tokens": 1000, "$ai_output_tokens": 300, "$ai_cache_read_input_tokens": 640, "$ai_reasoning_tokens": 40,
        "$ai_latency": 2.5, "$ai_trace_id": "t"}}], (1, 1000, 640, 300, 40, 0, 0)),
    "braintrust": ("Braintrust", [
        {"id": "row-1", "span_id": "r", "root_span_id": "r", "span_parents": None, "span_attributes": {"type": "task"}, "created": AT, "metrics": {"start": SECONDS, "end": SECONDS + 2}},
        {"id": "row-2", "span_id": "c", "root_span_id": "r", "span_parents": ["r"], "span_attributes": {"type": "llm"}, "created": AT, "metadata": {"model": "kimi-k2"},
         "metrics": {"prompt_tokens": 1000, "completion_tokens": 300, "tokens": 1300, "prompt_cached_tokens": 640, "completion_reasoning_tokens": 40, "time_to_first_token": 0.5}},
    ], (1, 1000, 640, 300, 40, 0, 0)),
    "weave": ("Weave", [
        {"id": "call-parent-1", "op_name": "weave:///e/p/op/agent:1", "trace_id": "t", "parent_id": None, "started_at": AT,
         "summary": {"usage": {"kimi-k2": {"requests": 1, "prompt_tokens": 1000, "completion_tokens": 300, "total_tokens": 1300}}}},
        {"id": "call-child-1", "op_name": "weave:///e/p/op/chat:1", "trace_id": "t", "parent_id": "call-parent-1", "started_at": AT,
         "summary": {"usage": {"kimi-k2": {"requests": 1, "prompt_tokens": 1000, "completion_tokens": 300, "total_tokens": 1300}}}},
    ], (1, 1000, None, 300, None, 0, 0)),
    "datadog": ("Datadog LLM observability", [
        {"span_id": "111111111", "parent_id": "undefined", "trace_id": "t", "start_ns": SECONDS * 10**9, "meta": {"kind": "agent"}, "metrics": {"input_tokens": 1000, "output_tokens": 300}},
        {"span_id": "222222222", "parent_id": "111111111", "trace_id": "t", "start_ns": SECONDS * 10**9, "meta": {"kind": "llm", "model_name": "kimi-k2"},
         "metrics": {"input_tokens": 1000, "output_tokens": 300, "total_tokens": 1300, "cache_read_input_tokens": 640, "reasoning_output_tokens": 40}},
    ], (1, 1000, 640, 300, 40, 0, 0)),
    "helicone": ("Helicone", [{
        "request_id": "aaaa-bbbb-cccc", "request_created_at": AT, "response_created_at": AT, "response_status": 200, "provider": "CUSTOM", "model": "kimi-k2", "prompt_tokens": 1000,
        "completion_tokens": 300, "total_tokens": 1300, "prompt_cache_read_tokens": 640, "prompt_cache_write_tokens": 0, "delay_ms": 900, "cost": 0.01}],
        (1, 1000, 640, 300, None, 0, 0)),
    "new-api": ("new-api logs", [
        {"id": 7, "created_at": SECONDS, "type": 2, "token_name": "T", "model_name": "kimi-k2", "quota": 539, "prompt_tokens": 1000, "completion_tokens": 300, "use_time": 3,
         "other": json.dumps({"cache_tokens": 640, "cache_ratio": 0.25})},
        {"id": 8, "created_at": SECONDS + 9, "type": 1, "token_name": "", "model_name": "", "quota": 500_000, "prompt_tokens": 0, "completion_tokens": 0, "use_time": 0, "other": ""},
    ], (1, 1000, 640, 300, None, 0, 0)),
    "litellm": ("LiteLLM spend logs", [
        {"request_id": "chatcmpl-aaaaaaaa1", "call_type": "acompletion", "spend": 0.01, "startTime": AT, "endTime": AT, "model": "kimi-k2", "cache_hit": "False", "status": "success",
         "prompt_tokens": 1100, "completion_tokens": 330, "total_tokens": 1430, "metadata": {"usage_object": CHAT["usage"]}},
        {"request_id": "chatcmpl-aaaaaaaa2", "call_type": "acompletion", "spend": 0, "startTime": AT, "endTime": AT, "model": "kimi-k2", "cache_hit": "True", "status": "success",
         "prompt_tokens": 1100, "completion_tokens": 330, "total_tokens": 1430, "metadata": {}},
    ], (1, 1100, 512, 330, 70, 0, 0)),
    "litellm daily": ("LiteLLM daily activity", [{"results": [{"date": DAY, "metrics": {
        "spend": 0.05, "prompt_tokens": 9000, "completion_tokens": 1200, "total_tokens": 10200, "cache_read_input_tokens": 6000, "api_requests": 12, "successful_requests": 12, "failed_requests": 0}}],
        "metadata": {"page": 1, "total_pages": 1, "has_more": False}}], (12, 9000, 6000, 1200, None, 0, 0)),
    "langfuse": ("Langfuse observations", [
        {"id": "obs-00000001", "traceId": "t", "type": "SPAN", "parentObservationId": None, "startTime": AT, "usageDetails": {}},
        {"id": "obs-00000002", "traceId": "t", "type": "GENERATION", "parentObservationId": "obs-00000001", "startTime": AT, "model": "kimi-k2",
         "usageDetails": {"input": 488, "input_cached_tokens": 512, "output": 260, "output_reasoning_tokens": 40, "total": 1300}},
    ], (1, 1000, 512, 300, 40, 0, 0)),
    "langsmith": ("LangSmith runs", [
        {"id": "run-00000001", "run_type": "chain", "parent_run_id": None, "trace_id": "run-00000001", "start_time": AT, "status": "success", "prompt_tokens": 1000, "completion_tokens": 300, "total_tokens": 1300},
        {"id": "run-00000002", "run_type": "llm", "parent_run_id": "run-00000001", "trace_id": "run-00000001", "start_time": AT, "status": "success", "prompt_tokens": 1000, "completion_tokens": 300,
         "total_tokens": 1300, "extra": {"metadata": {"ls_model_name": "kimi-k2"}}, "prompt_token_details": {"cache_read": 640}, "completion_token_details": {"reasoning": 40}},
    ], (1, 1000, 640, 300, 40, 0, 0)),
    "mlflow": ("MLflow spans", [{"trace": {"info": {"trace_id": "tr-1"}, "data": {"spans": [
        {"name": "agent", "span_id": "aaaaaaaaa1", "parent_id": None, "start_time_unix_nano": SECONDS * 10**9, "attributes": {"mlflow.spanType": "\"AGENT\""}},
        {"name": "chat", "span_id": "aaaaaaaaa2", "parent_id": "aaaaaaaaa1", "start_time_unix_nano": SECONDS * 10**9, "attributes": {
            "mlflow.spanType": "\"CHAT_MODEL\"", "mlflow.chat.tokenUsage": json.dumps({"input_tokens": 1000, "output_tokens": 300, "total_tokens": 1300})}},
    ]}}}], (1, 1000, None, 300, None, 0, 0)),
    "genai spans": ("OpenTelemetry GenAI spans", [otlp(
        span("a0", **{"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 300}),
        span("a1", "a0", **genai(1000, 300)),
        span("a2", "a1", **genai(1000, 300, **{"gen_ai.usage.cache_read.input_tokens": 640, "gen_ai.usage.reasoning.output_tokens": 40})),
    )], (1, 1000, 640, 300, 40, 0, 0)),
    "openinference": ("OpenTelemetry GenAI spans", [otlp(
        span("a0", **{"openinference.span.kind": "CHAIN"}),
        span("a1", "a0", **{"openinference.span.kind": "LLM", "llm.model_name": "kimi-k2", "llm.token_count.prompt": 1000, "llm.token_count.completion": 300,
             "llm.token_count.total": 1300, "llm.token_count.prompt_details.cache_read": 640}), top="batches",
    )], (1, 1000, 640, 300, None, 0, 0)),
    "vercel": ("OpenTelemetry GenAI spans", [otlp(
        span("a0", **{"ai.operationId": "ai.generateText", "ai.model.id": "kimi-k2", "ai.usage.inputTokens": 1000, "ai.usage.outputTokens": 300}),
        span("a1", "a0", **{"ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "kimi-k2", "ai.usage.inputTokens": 1000, "ai.usage.outputTokens": 300,
             "ai.usage.cachedInputTokens": 640, "ai.usage.reasoningTokens": 40, "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 300}),
    )], (1, 1000, 640, 300, 40, 0, 0)),
    "anthropic spans": ("OpenTelemetry GenAI spans", [otlp(
        span("a1", **genai(11, 33, **{"gen_ai.system": "anthropic", "gen_ai.usage.cache_read_input_tokens": 700, "gen_ai.usage.cache_creation_input_tokens": 90})),
    )], (1, 801, 700, 33, None, 90, 0)),
    "jaeger": ("OpenTelemetry GenAI spans", [{"data": [{"traceID": "t", "spans": [{
        "traceID": "t", "spanID": "a1", "operationName": "chat", "references": [], "startTime": SECONDS * 10**6, "duration": 900, "logs": [],
        "tags": [{"key": "gen_ai.operation.name", "type": "string", "value": "chat"}, {"key": "gen_ai.request.model", "type": "string", "value": "kimi-k2"},
                 {"key": "gen_ai.usage.input_tokens", "type": "int64", "value": 1000}, {"key": "gen_ai.usage.output_tokens", "type": "int64", "value": 300}]}]}]}],
        (1, 1000, None, 300, None, 0, 0)),
    "bailian": ("Bailian trace", [{"chat_id": 1, "parent_chat_id": -1, "timestamp": 61.5, "input_length": 1000, "output_length": 300, "turn": 1, "hash_ids": [1, 2]}], (1, 1000, None, 300, None, 0, 0)),
    "mooncake": ("Mooncake trace", [{"timestamp": 27_000, "input_length": 1000, "output_length": 300, "hash_ids": [1, 2]}], (1, 1000, None, 300, None, 0, 0)),
    "burstgpt": ("BurstGPT trace", [
        {"Timestamp": 5, "Session ID": "s", "Model": "ChatGPT", "Request tokens": 1000, "Response tokens": 300, "Total tokens": 1300, "Log Type": "API log"},
        {"Timestamp": 6, "Session ID": "s", "Model": "ChatGPT", "Request tokens": 1000, "Response tokens": 0, "Total tokens": 1000, "Log Type": "API log"},
    ], (1, 1000, None, 300, None, 0, 0)),
    "azure": ("Azure LLM trace", [{"TIMESTAMP": "2026-03-05 10:00:00.0099300", "ContextTokens": 1000, "GeneratedTokens": 300}], (1, 1000, None, 300, None, 0, 0)),
    "usage": ("usage objects", [{"timestamp": AT, "model": "kimi-k2", "requests": 4, "prompt_tokens": 1000, "completion_tokens": 300, "cached_tokens": 640}], (4, 1000, 640, 300, None, 0, 0)),
    "nested": ("usage objects", [{"time": AT, "llm": {"result": {"promptTokens": 1000, "completionTokens": 300}}}], (1, 1000, None, 300, None, 0, 0)),
    "bench": ("usage objects", [{"backend": "sglang", "total_input_tokens": 1000, "total_output_tokens": 300, "input_lens": [400, 600], "output_lens": [100, 200]}], (2, 1000, None, 300, None, 0, 0)),
}  # fmt: skip


def read(tmp_path, entries, **options):
    path = tmp_path / "log.jsonl"
    path.write_text(lines(*entries), encoding="utf-8")
    return read_usage(path, **options)


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_sample_means_its_totals(tmp_path, sample):
    """Totals by hand; the form is told, and the log is whole."""
    name, entries, expected = SAMPLES[sample]
    frame = read(tmp_path, entries)
    assert totals(frame) == expected
    assert name in frame.attrs["forms"] or frame.attrs["forms"] == ["replies"]
    assert frame.attrs["completeness"] == "whole"


def test_every_dialect_has_a_sample():
    """A new dialect is a table entry and a sample."""
    assert {name for name, _, _ in SAMPLES.values()} == {dialect.name for dialect in dialects()}


FLAT = [
    name for name, (_, entries, _) in SAMPLES.items()
    if name not in ("kimi cli", "claude code", "stream", "anthropic stream", "bench", "weave", "nested", "lunary", "bedrock")
    and not any((isinstance(value, list) and value and isinstance(value[0], dict) and key not in ("choices",)) or key in ("data", "trace")
                for entry in entries for key, value in entry.items())
]  # fmt: skip


@pytest.mark.parametrize("sample", FLAT)
def test_json_csv_and_parquet_of_one_export_are_the_same(tmp_path, sample):
    """The same entry reads all of them; a cell that holds JSON is parsed."""
    _, entries, expected = SAMPLES[sample]
    keys = list(dict.fromkeys(key for entry in entries for key in entry))
    text = io.StringIO()
    writer = csv.DictWriter(text, keys)
    writer.writeheader()
    for entry in entries:
        writer.writerow({
            key: json.dumps(value) if isinstance(value, dict | list) else value for key, value in entry.items()
        })  # fmt: skip
    (tmp_path / "log.csv").write_text(text.getvalue(), encoding="utf-8")
    assert totals(read_usage(tmp_path / "log.csv")) == expected
    parquet.write_table(
        pa.Table.from_pylist([{key: entry.get(key) for key in keys} for entry in entries]),
        tmp_path / "log.parquet",
    )
    assert totals(read_usage(tmp_path / "log.parquet")) == expected


def leaves(value, path=()):
    """Yield the path of each number that is a count, an object at a time."""
    if isinstance(value, dict):
        for key, one in value.items():
            if type(one) is int and not isinstance(one, bool) and 1 < one < 100_000:
                yield (*path, key)
            elif set(value) == {"key", "value"} or key in ("choices", "created", "references"):
                continue
            else:
                yield from leaves(one, (*path, key))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from leaves(one, (*path, place))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def outcome(tmp_path, entries):
    """Return the totals, or None if the run says what is wrong."""
    try:
        frame = read(tmp_path, entries)
    except UsageError:
        return None
    return totals(frame)


#: Numbers that are no counts of tokens or calls.
NOT_COUNTS = {
    "quota", "use_time", "duration", "delay_ms", "status_code", "response_status", "page", "total_pages", "per_page", "count",
    "total_count", "chat_id", "turn", "parent_chat_id", "id", "index", "type", "Timestamp", "timestamp",
}  # fmt: skip
#: Every count of every sample, but for a call that failed, and for tokens of another tokenizer.
MUTATED = [
    (sample, path)
    for sample, (_, entries, _) in SAMPLES.items()
    for path in leaves(entries)
    if path[-1] not in NOT_COUNTS
    and not (sample == "burstgpt" and path[0] == 1)
    and f"native_{path[-1]}" not in at(entries, path[:-1])
]


@pytest.mark.parametrize(("sample", "path"), MUTATED, ids=str)
def test_a_changed_field_never_changes_a_total_in_silence(tmp_path, sample, path):
    """Renamed, nested or doubled, a count is still read right, or the run says what it did not read."""
    _, entries, expected = SAMPLES[sample]
    key = path[-1]
    for rename in (
        lambda name: f"{name}_x",
        lambda name: f"my_{name}",
        lambda name: f"{name}s".title(),
    ):
        changed = deepcopy(entries)
        holder = at(changed, path[:-1])
        holder[rename(key)] = holder.pop(key)
        assert outcome(tmp_path, changed) in (None, expected), rename(key)
    changed = deepcopy(entries)
    holder = at(changed, path[:-1])
    holder["more"] = {key: holder.pop(key)}
    assert outcome(tmp_path, changed) in (None, expected), "nested"
    changed = deepcopy(entries)
    holder = at(changed, path[:-1])
    holder[f"{key}_2"] = holder[key] + 1
    assert outcome(tmp_path, changed) in (None, expected), "doubled"


@pytest.mark.parametrize(("sample", "path"), MUTATED, ids=str)
def test_a_missing_field_is_unknown_not_zero(tmp_path, sample, path):
    """What is left out is not stated, and nothing else changes but a prompt that was added up of parts."""
    _, entries, expected = SAMPLES[sample]
    changed = deepcopy(entries)
    value = at(changed, path[:-1]).pop(path[-1])
    found = outcome(tmp_path, changed)
    if found is None or found == expected:
        return
    prompt = (expected[1], expected[1] - value)
    assert found[1] in prompt
    several = len(entries) > 1  # then the sum is of those that state it
    for name, one, other in zip(WITH_WRITTEN, found, expected, strict=True):
        if name not in ("prompt_tokens",):
            known = (None, other, other - value) if several and other is not None else (None, other)
            assert one in known or name.startswith("written") or name == "requests", name


def holders(value, path=()):
    """Yield the path of each object that has a count in it."""
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(one, dict) and any(type(n) is int and 1 < n < 100_000 for n in one.values()):
            yield (*path, key)
        if isinstance(one, dict | list):
            yield from holders(one, (*path, key))


#: Objects of counts in every sample, but for those that an entry is, and pages.
HOLDERS = [
    (sample, path)
    for sample, (_, entries, _) in SAMPLES.items()
    for path in holders(entries)
    if isinstance(path[-1], str)
    and path[-1] not in ("result_info", "metadata", "core_metrics", "data")
]


@pytest.mark.parametrize(("sample", "path"), HOLDERS, ids=str)
def test_a_changed_object_never_changes_a_total_in_silence(tmp_path, sample, path):
    """Renamed, in a list, as text or there twice, its counts are read right, or the run says what it did not read."""
    _, entries, expected = SAMPLES[sample]
    key = path[-1]
    changes = {
        "renamed": lambda held: held.update({f"{key}_x": held.pop(key)}),
        "in a list": lambda held: held.update({key: [held[key]]}),
        "text": lambda held: held.update({key: json.dumps(held[key])}),
        "twice": lambda held: held.update({f"{key}_copy": deepcopy(held[key])}),
    }
    if sample == "weave":  # the key is a model: another is another model
        del changes["twice"]
    for change, make in changes.items():
        changed = deepcopy(entries)
        make(at(changed, path[:-1]))
        assert outcome(tmp_path, changed) in (None, expected), change
