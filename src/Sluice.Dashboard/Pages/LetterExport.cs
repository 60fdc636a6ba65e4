using System.Buffers;
using System.Text.Json;
using Sluice.Diagnostics;

namespace Sluice.Dashboard.Pages;

/// <summary>Dead letters as lines of JSON, one for each, as long as there are some. The names are stable.</summary>
internal static class LetterExport
{
    private const int FlushAt = 64 << 10;

    public static async Task WriteAsync(PageRequest request)
    {
        ConsecutorSample one = await ConsecutorPage.FindAsync(request).ConfigureAwait(false);
        LetterQuery query = LetterQuery.Read(request.Query);
        query.Check(request.Options);
        StoreInspector inspector = request.Sampler.InspectorOf(one.Store);
        HttpResponse response = request.Http.Response;
        var lines = new ArrayBufferWriter<byte>();
        bool isHead = HttpMethods.IsHead(request.Http.Request.Method), hasBegun = false;
        await foreach (StoredDeadLetter letter in inspector.ReadDeadLettersAsync(one.Id, query.Filter, cancellation: request.Aborted)
            .ConfigureAwait(false))
        {
            Begin();
            if (isHead) return;
            if (query.Matches(letter)) Write(lines, request, one, letter);
            if (lines.WrittenCount < FlushAt) continue;
            await response.Body.WriteAsync(lines.WrittenMemory, request.Aborted).ConfigureAwait(false);
            lines.ResetWrittenCount();
        }
        Begin();
        if (!isHead) await response.Body.WriteAsync(lines.WrittenMemory, request.Aborted).ConfigureAwait(false);

        // Only when the store has answered: otherwise the response is an error.
        void Begin()
        {
            if (hasBegun) return;
            hasBegun = true;
            response.ContentType = "application/x-ndjson";
            response.Headers.ContentDisposition = "attachment; filename=\"dead-letters.jsonl\"";
        }
    }

    private static void Write(ArrayBufferWriter<byte> lines, PageRequest request, ConsecutorSample one, StoredDeadLetter letter)
    {
        using (var json = new Utf8JsonWriter(lines))
        {
            json.WriteStartObject();
            json.WriteString("stream"u8, one.Name);
            json.WriteNumber("number"u8, letter.Number);
            json.WriteString("id"u8, letter.Entry.ItemIdIn(one.Name, letter.Partition));
            json.WriteString("node"u8, letter.Node);
            json.WriteString("path"u8, letter.Path);
            json.WriteString("error"u8, letter.Error);
            if (letter.Stack.Length > 0) json.WriteString("stack"u8, letter.Stack);
            json.WriteNumber("attempts"u8, letter.Attempts);
            json.WriteString("acceptedAt"u8, letter.Entry.Time);
            json.WriteString("diedAt"u8, letter.DiedAt);
            json.WriteNumber("codeVersion"u8, letter.Entry.CodeVersion);
            if (letter.IsUnreadable) json.WriteBoolean("isDamaged"u8, true);
            else if (request.Options.MaskPayload is { } mask)
                json.WriteString("text"u8, PayloadText.Whole(letter.Entry.Payload, mask, one.Name));
            else if (PayloadText.Text(letter.Entry.Payload.Span) is { } text) json.WriteString("text"u8, text);
            else json.WriteBase64String("base64"u8, letter.Entry.Payload.Span);
            json.WriteEndObject();
        }
        lines.Write("\n"u8);
    }
}
