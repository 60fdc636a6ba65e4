using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;

namespace Sluice.Sqlite;

/// <summary>
/// The messages between the process that has a store open (the owner) and one that asks it for a change: a length of four bytes, then
/// JSON. A connection carries one request and one answer.
/// </summary>
/// <remarks>
/// Both versions of a message may meet: an owner refuses a command or a version that it does not know, and both sides skip names that they
/// do not know.
/// </remarks>
internal static class OwnerMessage
{
    /// <summary>The version of the messages. It rises when an older owner would misunderstand a request.</summary>
    public const int Version = 1;

    public const string Redrive = "redrive", Discard = "discard", Members = "members", Append = "append", Pause = "pause",
        Drain = "drain";

    /// <summary>The largest request: an entry of some 700 KB, in Base64.</summary>
    public const int MaxRequest = 1 << 20;

    /// <summary>The largest record of an entry: Base64 adds a third.</summary>
    public const int MaxRecord = 700_000;

    /// <summary>The largest answer: the members of a group.</summary>
    public const int MaxAnswer = 16 << 20;

    public static async ValueTask WriteAsync(Stream stream, Action<Utf8JsonWriter> write, int max, CancellationToken cancellation)
    {
        var bytes = new ArrayBufferWriter<byte>();
        bytes.GetSpan(sizeof(int));
        bytes.Advance(sizeof(int));
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Version);
            write(json);
            json.WriteEndObject();
        }
        byte[] frame = bytes.WrittenSpan.ToArray();
        if (frame.Length - sizeof(int) > max)
            throw new InvalidDataException($"The message has {frame.Length:N0} bytes; {max:N0} are possible.");
        BinaryPrimitives.WriteInt32LittleEndian(frame, frame.Length - sizeof(int));
        await stream.WriteAsync(frame, cancellation).ConfigureAwait(false);
    }

    /// <exception cref="InvalidDataException">The bytes are no message.</exception>
    /// <exception cref="EndOfStreamException">The other side ended before the message was complete.</exception>
    public static async ValueTask<JsonElement> ReadAsync(Stream stream, int max, CancellationToken cancellation)
    {
        byte[] head = new byte[sizeof(int)];
        await stream.ReadExactlyAsync(head, cancellation).ConfigureAwait(false);
        int length = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (length < 2 || length > max)
            throw new InvalidDataException($"A message of {length:N0} bytes was announced; {max:N0} are possible.");
        byte[] body = new byte[length];
        await stream.ReadExactlyAsync(body, cancellation).ConfigureAwait(false);
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone()
                : throw new InvalidDataException("The message is no JSON object.");
        }
        catch (JsonException wrong)
        {
            throw new InvalidDataException("The message is no JSON.", wrong);
        }
    }

    /// <summary>Writes an append of one entry by a producer that is used once, and the options of its stream if it may be new.</summary>
    public static void Write(Utf8JsonWriter json, AppendRequest append, StreamOptions? toOpen)
    {
        json.WriteString("producer", append.Producer);
        json.WriteNumber("forget", (append.ForgetAfter ?? TimeSpan.Zero).Ticks);
        json.WriteBase64String("record", append.Entries.RecordAt(0).Span);
        if (toOpen is null) return;
        json.WriteNumber("partitions", toOpen.Partitions);
        json.WriteNumber("retention", (int)toOpen.Retention);
        json.WriteNumber("entry", toOpen.MaxEntryBytes);
    }

    /// <summary>Reads what <see cref="Write(Utf8JsonWriter, AppendRequest, StreamOptions)"/> has written. The caller disposes the
    /// entries.</summary>
    public static (AppendRequest Append, StreamOptions? ToOpen) ReadAppend(JsonElement request, string stream)
    {
        EntryChunk.ReadRecord(request.GetProperty("record").GetBytesFromBase64(), default, 1, stream, 0, out Entry entry);
        var entries = new EntryBatch { Stream = stream, CodeVersion = entry.CodeVersion, FlowVersion = entry.FlowVersion };
        entries.Add(entry.Payload.Span, entry.Key, entry.Headers.Span);
        StreamOptions? toOpen = !request.TryGetProperty("partitions", out JsonElement partitions) ? null : new()
        {
            Partitions = partitions.GetInt32(),
            Retention = (Retention)request.GetProperty("retention").GetInt32(),
            MaxEntryBytes = request.GetProperty("entry").GetInt32(),
        };
        long forget = request.GetProperty("forget").GetInt64();
        return (new(stream, request.GetProperty("producer").GetString()!, 0, 1, entries)
        {
            ForgetAfter = forget == 0 ? null : TimeSpan.FromTicks(forget)
        }, toOpen);
    }

    public static void Write(Utf8JsonWriter json, MemberInfo member)
    {
        json.WriteStartObject();
        json.WriteString("name", member.Name);
        json.WriteNumber("heartbeats", member.Heartbeats);
        json.WriteNumber("lease", member.LeaseDuration.Ticks);
        json.WriteString("instance", member.Instance);
        json.WriteEndObject();
    }

    public static MemberInfo ReadMember(JsonElement member) => new(member.GetProperty("name").GetString()!,
        member.GetProperty("heartbeats").GetInt64(), member.GetProperty("instance").GetString()!,
        TimeSpan.FromTicks(member.GetProperty("lease").GetInt64()));
}
