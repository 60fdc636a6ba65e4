namespace Sluice.Producers;

/// <summary>A type of key values: reads them from rows, compares them, and writes them to positions.</summary>
internal abstract class KeyType
{
    // Indices into this list are stored: append only.
    private static readonly KeyType[] All =
    [
        new Integers(),
        new Plain<decimal>(static (bytes, value) => bytes.Write(value), static bytes => bytes.ReadDecimal(),
            static value => value switch { ulong number => number, _ when Integers.Whole(value) is { } number => number, _ => null }),
        new Plain<double>(static (bytes, value) => bytes.Write(value), static bytes => bytes.ReadDouble(),
            static value => value is float number ? number : null),
        new Texts(),
        new Plain<DateTime>(
            static (bytes, value) =>
            {
                bytes.Write(value.Ticks);
                bytes.Write((byte)value.Kind);
            },
            static bytes => new(bytes.ReadInt64(), (DateTimeKind)bytes.ReadByte()), static _ => null),
        new Plain<DateTimeOffset>(
            static (bytes, value) =>
            {
                bytes.Write(value.Ticks);
                bytes.Write(value.Offset.Ticks);
            },
            static bytes => new(bytes.ReadInt64(), new(bytes.ReadInt64())),
                static value => value is DateTime { Kind: DateTimeKind.Utc } time ? new DateTimeOffset(time) : null),
        new Plain<Guid>(static (bytes, value) => bytes.Write(value.ToByteArray()), static bytes => new(bytes.ReadBytes(16)),
            static _ => null),
        new Bytes(),
        new Plain<DateOnly>(static (bytes, value) => bytes.Write(value.DayNumber),
            static bytes => DateOnly.FromDayNumber(bytes.ReadInt32()), static _ => null),
        new Plain<TimeOnly>(static (bytes, value) => bytes.Write(value.Ticks), static bytes => new(bytes.ReadInt64()), static _ => null),
        new Plain<TimeSpan>(static (bytes, value) => bytes.Write(value.Ticks), static bytes => new(bytes.ReadInt64()), static _ => null),
    ];

    public byte Number => (byte)Array.IndexOf(All, this);

    public static KeyType? Of(object start) => Array.Find(All, type => type.IsOf(start))
        ?? Array.Find(All, type => type.Read(start) is not null);

    public static KeyType? Numbered(byte number) => number < All.Length ? All[number] : null;

    /// <summary>Whether a value has exactly this type.</summary>
    protected abstract bool IsOf(object value);

    /// <returns>The value, converted to this type; null if that is not possible.</returns>
    public abstract object? Read(object value);

    public abstract int Compare(object one, object other);

    public abstract void Write(BinaryWriter bytes, object value);

    public abstract object Read(BinaryReader bytes);

    /// <summary>Whole numbers of any size, as the provider returns them.</summary>
    private sealed class Integers : KeyType
    {
        public static long? Whole(object value) => value switch
        {
            long number => number,
            int number => number,
            short number => number,
            sbyte number => number,
            byte number => number,
            ushort number => number,
            uint number => number,
            ulong number and <= long.MaxValue => (long)number,
            decimal number and >= long.MinValue and <= long.MaxValue when decimal.Truncate(number) == number => (long)number,
            _ => null,
        };

        protected override bool IsOf(object value) => value is not decimal && Whole(value) is not null;

        public override object? Read(object value) => Whole(value);

        public override int Compare(object one, object other) => ((long)one).CompareTo((long)other);

        public override void Write(BinaryWriter bytes, object value) => bytes.Write((long)value);

        public override object Read(BinaryReader bytes) => bytes.ReadInt64();
    }

    private sealed class Plain<T>(Action<BinaryWriter, T> write, Func<BinaryReader, T> read, Func<object, T?> from) : KeyType
        where T : struct, IComparable<T>
    {
        protected override bool IsOf(object value) => value is T;

        public override object? Read(object value) => value is T ? value : from(value);

        public override int Compare(object one, object other) => ((T)one).CompareTo((T)other);

        public override void Write(BinaryWriter bytes, object value) => write(bytes, (T)value);

        public override object Read(BinaryReader bytes) => read(bytes);
    }

    /// <summary>Text. <see cref="KeyColumn.Compare"/> orders it as the query does.</summary>
    private sealed class Texts : KeyType
    {
        protected override bool IsOf(object value) => value is string;

        public override object? Read(object value) => value as string;

        public override int Compare(object one, object other) => CodePointOrder.Instance.Compare((string)one, (string)other);

        public override void Write(BinaryWriter bytes, object value) => bytes.Write((string)value);

        public override object Read(BinaryReader bytes) => bytes.ReadString();
    }

    private sealed class Bytes : KeyType
    {
        protected override bool IsOf(object value) => value is byte[];

        public override object? Read(object value) => value as byte[];

        public override int Compare(object one, object other) => ((byte[])one).AsSpan().SequenceCompareTo((byte[])other);

        public override void Write(BinaryWriter bytes, object value)
        {
            bytes.Write7BitEncodedInt(((byte[])value).Length);
            bytes.Write((byte[])value);
        }

        public override object Read(BinaryReader bytes) => bytes.ReadBytes(bytes.Read7BitEncodedInt());
    }
}
