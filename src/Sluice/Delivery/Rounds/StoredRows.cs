namespace Sluice.Delivery;

/// <summary>Reads the stored rows of a node's state.</summary>
internal sealed class StoredRows : StateReader
{
    private readonly PayloadSerializers serializers;
    private readonly Dictionary<string, StateRow> rows;
    private readonly UnknownMembers unknown;
    private readonly string node;
    private string[]? keys;

    public StoredRows(PayloadSerializers serializers, UnknownMembers unknown, string node, IEnumerable<StateRow> rows, bool isComplete)
    {
        (this.serializers, this.unknown, this.node) = (serializers, unknown, node);
        this.rows = rows.Where(row => row.Value is not null).ToDictionary(row => row.Key, StringComparer.Ordinal);
        IsComplete = isComplete;
    }

    public override IReadOnlyList<string> Keys => keys ??= [.. rows.Keys.Order(StringComparer.Ordinal)];

    public override bool IsComplete { get; }

    public override bool Has(string key) => rows.ContainsKey(key);

    public override T Get<T>(string key) => unknown.Read(serializers.For<T>(), node, rows[key].Value!.Value.Span);

    public override List<T> GetMany<T>(string key) => Values<T>(rows[key].Value!.Value.Span);

    public override List<T> GetMany<T>(string key, out long[] numbers)
    {
        ReadOnlySpan<byte> bytes = rows[key].Value!.Value.Span;
        int length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        ReadOnlySpan<byte> first = bytes.Slice(4, length);
        numbers = new long[length / sizeof(long)];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = BinaryPrimitives.ReadInt64LittleEndian(first[(i * sizeof(long))..]);
        return Values<T>(bytes[(4 + length)..]);
    }

    private List<T> Values<T>(ReadOnlySpan<byte> bytes)
    {
        IPayloadSerializer<T> serializer = serializers.For<T>();
        var values = new List<T>();
        while (bytes.Length > 0)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
            values.Add(unknown.Read(serializer, node, bytes.Slice(4, length)));
            bytes = bytes[(4 + length)..];
        }
        return values;
    }

    public override (ReadOnlyMemory<byte> Bytes, int Version) Stored(string key) => (rows[key].Value!.Value, rows[key].Version);
}
