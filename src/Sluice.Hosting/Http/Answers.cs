using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Sluice.Hosting;

/// <summary>Writes responses.</summary>
internal static class Answers
{
    /// <summary>Quotes and letters of all languages as they are: a person reads them in a terminal, and no browser takes JSON for a
    /// page.</summary>
    public static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly byte[] AcceptedOne = """{"accepted":1}"""u8.ToArray();

    /// <summary>Writes 202, equally for a request and its repetitions.</summary>
    public static Task AcceptedAsync(HttpContext context, long count)
    {
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        return WriteAsync(context, "application/json", count == 1 ? AcceptedOne
            : Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"accepted":{{count}}}""")));
    }

    public static Task RefusedAsync(HttpContext context, Problem problem)
    {
        if (context.Response.HasStarted) return Task.CompletedTask;
        context.Response.StatusCode = problem.Status;
        if (problem.RetryAfter is { } wait)
            context.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        var bytes = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(bytes, Readable))
        {
            json.WriteStartObject();
            json.WriteString("title"u8, ReasonPhrases.GetReasonPhrase(problem.Status));
            json.WriteNumber("status"u8, problem.Status);
            json.WriteString("detail"u8, problem.Detail);
            if (problem.Line is { } line) json.WriteNumber("line"u8, line);
            if (problem.Byte is { } at) json.WriteNumber("byte"u8, at);
            if (problem.Field is { } field) json.WriteString("field"u8, field);
            json.WriteEndObject();
        }
        return WriteAsync(context, "application/problem+json", bytes.WrittenMemory);
    }

    private static Task WriteAsync(HttpContext context, string type, ReadOnlyMemory<byte> body)
    {
        context.Response.ContentType = type;
        context.Response.ContentLength = body.Length;
        return context.Response.Body.WriteAsync(body).AsTask();      // no token: a client that has sent all may look like one that is gone
    }
}
