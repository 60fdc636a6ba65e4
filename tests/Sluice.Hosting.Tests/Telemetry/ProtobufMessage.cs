using Google.Protobuf;

namespace Sluice.Hosting.Tests.Telemetry;

/// <summary>A message of Protocol Buffers, read without its schema: the values of each field by its number.</summary>
internal sealed class ProtobufMessage
{
    private readonly List<(int Field, object Value)> fields = [];

    public static ProtobufMessage Parse(ReadOnlySpan<byte> bytes)
    {
        var message = new ProtobufMessage();
        var input = new CodedInputStream(bytes.ToArray());
        while (input.ReadTag() is var tag && tag != 0)
        {
            object value = WireFormat.GetTagWireType(tag) switch
            {
                WireFormat.WireType.Varint => input.ReadUInt64(),
                WireFormat.WireType.Fixed64 => input.ReadFixed64(),
                WireFormat.WireType.Fixed32 => input.ReadFixed32(),
                WireFormat.WireType.LengthDelimited => input.ReadBytes().ToByteArray(),
                var other => throw new FormatException($"A field of the wire type {other} is none of OTLP."),
            };
            message.fields.Add((WireFormat.GetTagFieldNumber(tag), value));
        }
        return message;
    }

    public bool Has(int field) => fields.Exists(one => one.Field == field);

    public IEnumerable<ProtobufMessage> All(int field) => fields.Where(one => one.Field == field).Select(one => Parse((byte[])one.Value));

    public ProtobufMessage One(int field) => All(field).Single();

    public string Text(int field) => System.Text.Encoding.UTF8.GetString(Bytes(field));

    public string Hex(int field) => Convert.ToHexStringLower(Bytes(field));

    public ulong Number(int field) => fields.Where(one => one.Field == field).Select(one => (ulong)one.Value).LastOrDefault();

    private byte[] Bytes(int field) => fields.Where(one => one.Field == field).Select(one => (byte[])one.Value).LastOrDefault() ?? [];

    /// <summary>The attributes in a repeated field of <c>KeyValue</c>, as texts.</summary>
    public Dictionary<string, string> Attributes(int field) => All(field).ToDictionary(static one => one.Text(1), static one =>
    {
        ProtobufMessage value = one.One(2);
        return value.Has(1) ? value.Text(1)
            : ((long)value.Number(value.Has(2) ? 2 : 3)).ToString(System.Globalization.CultureInfo.InvariantCulture);
    });
}
