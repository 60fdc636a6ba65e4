using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sluice.Storage;

namespace Sluice.Programs;

/// <summary>A call of the store in another process.</summary>
internal sealed record Call(long Id, string Method, JsonElement[] Arguments);

/// <summary>What became of it.</summary>
internal sealed record Answer(long Id, JsonElement? Result, Failure? Failure);

/// <summary>An exception on its way to the caller.</summary>
internal sealed record Failure(string Type, string Message, string? Stream, int? Partition, long? Sequence, bool IsPermanent)
{
    public static Failure Of(Exception failure)
    {
        var store = failure as StreamStoreException;
        return new(failure.GetType().Name, failure.Message, store?.Stream, store?.Partition, store?.Sequence, store?.IsPermanent ?? false);
    }

    public Exception ToException() => Type switch
    {
        nameof(StreamStoreException) => new StreamStoreException(Message)
        {
            Stream = Stream,
            Partition = Partition,
            Sequence = Sequence,
            IsPermanent = IsPermanent
        },
        nameof(StoreRolledBackException) => new StoreRolledBackException(Message)
        {
            Stream = Stream,
            Partition = Partition,
            Sequence = Sequence
        },
        nameof(StoreInUseException) => new StoreInUseException(Message),
        nameof(ObjectDisposedException) => new ObjectDisposedException(null, Message),
        nameof(PayloadException) => new PayloadException(Message),
        nameof(ArgumentException) => new ArgumentException(Message),
        nameof(ArgumentOutOfRangeException) => new ArgumentOutOfRangeException(null, Message),
        nameof(ArgumentNullException) => new ArgumentNullException(null, Message),
        _ => new InvalidOperationException($"{Type}: {Message}"),
    };
}

/// <summary>How calls are written.</summary>
internal static class Wire
{
    public static JsonSerializerOptions Options { get; } =
        new() { Converters = { new BatchConverter(), new KeyConverter(), new AttachmentConverter(), new TextConverter() } };

    // A batch as it is: its records, which carry everything.
    private sealed class BatchConverter : JsonConverter<EntryBatch>
    {
        public override EntryBatch Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            ReadOnlyMemory<byte> records = reader.GetBytesFromBase64();
            var batch = new EntryBatch();
            while (records.Length > 0)
            {
                int length = EntryChunk.ReadRecord(records, new(1, 1, default, 1), 1, "wire", 0, out Entry entry);
                using var one = new EntryBatch
                {
                    CodeVersion = entry.CodeVersion,
                    FlowVersion = entry.FlowVersion,
                    MaxEntryBytes = int.MaxValue
                };
                one.Add(entry.Payload.Span, entry.Key, entry.Headers.Span);
                batch.Add(one, 0);
                records = records[length..];
            }
            return batch;
        }

        public override void Write(Utf8JsonWriter writer, EntryBatch value, JsonSerializerOptions options)
            => writer.WriteBase64StringValue(value.Records.Span);
    }

    private sealed class KeyConverter : JsonConverter<EntryKey>
    {
        public override EntryKey Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
            => new(reader.GetUInt64());

        public override void Write(Utf8JsonWriter writer, EntryKey value, JsonSerializerOptions options)
            => writer.WriteNumberValue(value.Hash);
    }

    // JSON would write half of a character as U+FFFD, and a store could not refuse it.
    private sealed class TextConverter : JsonConverter<string>
    {
        private const char Mark = '\u0001';          // no name begins with it

        public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
            => reader.GetString() is [Mark, .. var utf16] ? Text(Convert.FromBase64String(utf16)) : reader.GetString()!;

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options)
            => writer.WriteStringValue(value.Any(char.IsSurrogate) ? Mark + Convert.ToBase64String(Bytes(value)) : value);

        public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
            => reader.GetString()!;

        public override void WriteAsPropertyName(Utf8JsonWriter writer, string value, JsonSerializerOptions options)
            => writer.WritePropertyName(value);

        // Encoding.Unicode replaces halves as well.
        private static string Text(byte[] utf16) => new(MemoryMarshal.Cast<byte, char>(utf16));

        private static byte[] Bytes(string text) => MemoryMarshal.AsBytes(text.AsSpan()).ToArray();
    }

    private sealed class AttachmentConverter : JsonConverter<ICommitAttachment>
    {
        public override ICommitAttachment Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
            => new Foreign(reader.GetString()!);

        public override void Write(Utf8JsonWriter writer, ICommitAttachment value, JsonSerializerOptions options)
            => writer.WriteStringValue(value.WrittenBy);
    }

    private sealed record Foreign(string WrittenBy) : ICommitAttachment;
}
