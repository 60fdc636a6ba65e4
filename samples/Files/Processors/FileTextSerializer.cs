using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Sluice;
using Sluice.Storage;

namespace Files.Processors;

/// <summary>Contents go through the store as the bytes that they are, behind what else there is to say; as JSON they would be longer by a
/// third, and made twice.</summary>
internal sealed class FileTextSerializer : IPayloadSerializer<FileText>
{
    private const int Head = 12;
    private const int None = -1;

    public void Serialize(FileText value, IBufferWriter<byte> to)
    {
        int path = Encoding.UTF8.GetByteCount(value.Path);
        int trouble = value.Trouble is null ? None : Encoding.UTF8.GetByteCount(value.Trouble);
        int length = Head + path + Math.Max(0, trouble);
        Span<byte> head = to.GetSpan(length);
        BinaryPrimitives.WriteInt32LittleEndian(head, value.Number);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], path);
        BinaryPrimitives.WriteInt32LittleEndian(head[8..], trouble);
        Encoding.UTF8.GetBytes(value.Path, head[Head..]);
        if (value.Trouble is not null) Encoding.UTF8.GetBytes(value.Trouble, head[(Head + path)..]);
        to.Advance(length);
        to.Write(value.Text.Span);
    }

    public FileText Deserialize(ReadOnlySpan<byte> payload)
    {
        int path = BinaryPrimitives.ReadInt32LittleEndian(payload[4..]);
        int trouble = BinaryPrimitives.ReadInt32LittleEndian(payload[8..]);
        ReadOnlySpan<byte> rest = payload[(Head + path)..];
        return new(BinaryPrimitives.ReadInt32LittleEndian(payload), Encoding.UTF8.GetString(payload.Slice(Head, path)),
            rest[Math.Max(0, trouble)..].ToArray(), trouble == None ? null : Encoding.UTF8.GetString(rest[..trouble]));
    }
}
