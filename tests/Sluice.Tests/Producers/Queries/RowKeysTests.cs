using Sluice.Producers;

namespace Sluice.Tests.Producers;

/// <summary>Keys of rows: how values of each type are read, compared and stored.</summary>
public class RowKeysTests
{
    private static readonly object[][] Ascending =
    [
        [long.MinValue, -1L, 0L, long.MaxValue],
        [decimal.MinValue, -0.5m, 0m, 0.1m, decimal.MaxValue],
        [double.NegativeInfinity, -1.5, 0.0, 1e300],
        ["", "A", "Z", "a", "aa", "b", "\uFFFD", "\U0001F600"],
        [DateTime.MinValue, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc), new DateTime(2026, 1, 1).AddTicks(1), DateTime.MaxValue],
        [DateTimeOffset.MinValue, new DateTimeOffset(2026, 1, 1, 2, 0, 0, TimeSpan.FromHours(2)),
            new DateTimeOffset(2026, 1, 1, 0, 0, 1, TimeSpan.Zero)],
        [DateOnly.MinValue, new DateOnly(2026, 1, 31), new DateOnly(2026, 2, 1), DateOnly.MaxValue],
        [TimeOnly.MinValue, new TimeOnly(9, 0), new TimeOnly(9, 0).Add(TimeSpan.FromTicks(1)), TimeOnly.MaxValue],
        [TimeSpan.MinValue, TimeSpan.Zero, TimeSpan.FromTicks(1), TimeSpan.FromDays(40)],
        [Guid.Empty, new Guid("00000000-0000-0000-0000-000000000001"), new Guid("80000000-0000-0000-0000-000000000000")],
        [Array.Empty<byte>(), new byte[] { 0 }, new byte[] { 1, 2 }, new byte[] { 1, 200 }, new byte[] { 2 }],
    ];

    [Fact]
    public void KeysOfEachTypeAreOrderedAndRestoredFromAPosition()
    {
        foreach (object[] values in Ascending)
        {
            var keys = new RowKeys([new("a", values[0]), new("id", 0)], null);
            for (int i = 0; i < values.Length; i++)
            {
                for (int j = 0; j < values.Length; j++) Assert.Equal(Math.Sign(i.CompareTo(j)),
                    Math.Sign(keys.Compare([values[i], 7L], [values[j], 7L])));
                Assert.Equal(-1, Math.Sign(keys.Compare([values[i], 6L], [values[i], 7L])));
                (object[] after, object[]? partly) = keys.FromPosition(keys.ToPosition([values[i], 6L], [values[^1], 7L]), "x");
                Assert.Equal([values[i], 6L], after);
                Assert.Equal([values[^1], 7L], partly);
                Assert.Null(keys.FromPosition(keys.ToPosition([values[i], 6L]), "x").Partly);
                if (values[i] is DateTime time) Assert.Equal(time.Kind, ((DateTime)after[0]).Kind);
            }
        }
    }

    /// <summary>As UTF-8 it would be another text, behind which the row would come again.</summary>
    [Fact]
    public void ATextWithHalfASurrogatePairIsRefusedWithItsColumn()
    {
        var keys = new RowKeys([new("id", 0), new("name", "")], null);
        foreach (string text in (string[])["x\uD800", "\uDC00x", "\uD800\uD800"])
        {
            var failure = Assert.Throws<InvalidDataException>(() => keys.ToPosition([1L, text]));
            Assert.Contains($"the next row has name = '{text}', with half a surrogate pair, which cannot be stored", failure.Message,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void IntegersOfAllSizesAreReadAsOneKeyType()
    {
        KeyType integers = KeyType.Of(0)!;
        foreach (object five in new object[] { (sbyte)5, (byte)5, (short)5, (ushort)5, 5, 5u, 5L, 5ul, 5m })
            Assert.Equal(5L, integers.Read(five));
        foreach (object other in new object[] { 5.5m, 5.0, "5", ulong.MaxValue, true }) Assert.Null(integers.Read(other));
        Assert.Equal((decimal)ulong.MaxValue, KeyType.Of(ulong.MaxValue)!.Read(ulong.MaxValue));
        Assert.Equal(5m, KeyType.Of(0m)!.Read(5));
    }

    [Fact]
    public void APositionOfALaterVersionOrOfAnotherKeyIsRefused()
    {
        var keys = new RowKeys([new("id", 0)], null);
        byte[] position = keys.ToPosition([1L]);
        Assert.Contains("is of the key (id), and the query's is (id), or their types differ",
            Assert.Throws<InvalidDataException>(() => new RowKeys([new("id", "")], null).FromPosition(position, "x")).Message,
                StringComparison.Ordinal);
        position[0]++;
        Assert.Contains("The position of the producer 'x' is of version 2, and this code knows 1",
            Assert.Throws<InvalidDataException>(() => keys.FromPosition(position, "x")).Message, StringComparison.Ordinal);
    }
}
