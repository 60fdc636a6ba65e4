using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Sluice.Dashboard.Actions;

/// <summary>Who did what, when: a line before an action, and one with its outcome. They are kept in the store that was changed, in a stream
/// of its own.</summary>
/// <remarks>An action whose first line cannot be written is not done. Thread-safe.</remarks>
internal static partial class AuditLog
{
    private const int MaxText = 2000;

    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(1);

    /// <summary>Writes a line.</summary>
    /// <param name="store">The store.</param>
    /// <param name="who">The user.</param>
    /// <param name="what">What is done, as a sentence.</param>
    /// <param name="outcome">What came of it; null before it is done.</param>
    /// <param name="action">Joins both lines of an action.</param>
    public static async Task WriteAsync(IStreamStore store, string who, string what, string? outcome, Guid action)
    {
        await store.OpenStreamAsync(StoreSource.AuditStream, new() { Partitions = 1, Retention = Retention.All, MaxEntryBytes = 64_000 })
            .ConfigureAwait(false);
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("action"u8, action);
            json.WriteString("who"u8, VisibleText.Shorten(who, 200));
            json.WriteString("what"u8, VisibleText.Shorten(what, MaxText));
            if (outcome is not null) json.WriteString("outcome"u8, VisibleText.Shorten(outcome, MaxText));
            json.WriteEndObject();
        }
        using var entries = new EntryBatch { Stream = StoreSource.AuditStream, MaxEntryBytes = 64_000 };
        entries.Add(bytes.WrittenSpan);
        var append = new AppendRequest(StoreSource.AuditStream, $"{action}{(outcome is null ? "" : "/end")}", 0, 1, entries)
        {
            ForgetAfter = Remembered,
            MakesRoom = true                         // as what is audited may, a discard above all
        };
        AppendStatus status = (await store.AppendAsync(append).ConfigureAwait(false)).Status;
        if (status is not (AppendStatus.Accepted or AppendStatus.Duplicate))
            throw new StreamStoreException($"The audit takes nothing ({status}){(outcome is null ? ": without it, nothing is changed" : "")}.");
    }

    /// <summary>
    /// Writes the line with the outcome. What was done, or not, is what the user wants to know, also if the audit cannot say it: then its
    /// first line stays without an outcome, and the log has a warning.
    /// </summary>
    public static async Task WriteEndAsync(IStreamStore store, string who, string what, string outcome, Guid action, ILogger? log)
    {
        try
        {
            await WriteAsync(store, who, what, outcome, action).ConfigureAwait(false);
        }
        catch (Exception e)                          // also of a store that the stopping program has disposed
        {
            if (log is not null) NotWritten(log, what, outcome, e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The audit could not note the outcome of '{What}' ({Outcome}): {Why}")]
    private static partial void NotWritten(ILogger log, string what, string outcome, string why);

    /// <summary>Reads the last lines, the latest first.</summary>
    public static async Task<IReadOnlyList<AuditLine>> ReadAsync(StoreSource store, int max, CancellationToken cancellation)
    {
        if (await store.Store.FindStreamAsync(StoreSource.AuditStream, cancellation).ConfigureAwait(false) is not { } stream) return [];
        var last = new Queue<AuditLine>();
        DateTimeOffset at = DateTimeOffset.MinValue;
        for (long next = Math.Max(1, stream.Appended - max + 1); ;)
        {
            ReadResult read;
            try
            {
                read = await store.Store.ReadAsync(new(StoreSource.AuditStream, 0, next), cancellation).ConfigureAwait(false);
            }
            catch (StreamStoreException damage) when (damage.IsPermanent && damage.Sequence >= next)
            {
                // A read ends before a damaged line, and the next one throws. When it was written is not known.
                next = damage.Sequence.Value + 1;
                Add(new(at, "?", $"The line {next - 1} of the audit is damaged.", null));
                continue;
            }
            if (read.Entries.IsEmpty) return [.. last.Reverse()];
            foreach (Entry entry in read.Entries.Span)
            {
                next = entry.Sequence + 1;
                at = entry.Time;
                Add(AuditLine.Read(entry));
            }
        }

        void Add(AuditLine line)
        {
            last.Enqueue(line);
            if (last.Count > max) last.Dequeue();
        }
    }
}

/// <summary>A line of the audit.</summary>
internal sealed record AuditLine(DateTimeOffset At, string Who, string What, string? Outcome)
{
    // Another version, or another program, may have written something else.
    public static AuditLine Read(Entry entry)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(entry.Payload);
            return new(entry.Time, Text("who") ?? "?", Text("what") ?? "?", Text("outcome"));

            string? Text(string name) => document.RootElement.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return new(entry.Time, "?", $"The line {entry.Sequence} of the audit cannot be read.", null);
        }
    }
}
