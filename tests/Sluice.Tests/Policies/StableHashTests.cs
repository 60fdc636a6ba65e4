using System.Text;
using Sluice.Policies;

namespace Sluice.Tests.Policies;

/// <summary>Hashes that must never change, because lanes and partitions depend on them.</summary>
public class StableHashTests
{
    /// <summary>Test vectors of other implementations of XXH64.</summary>
    [Theory]
    [InlineData("", 0xEF46DB3751D8E999)]
    [InlineData("a", 0xD24EC4F1A98C6E5B)]
    [InlineData("abc", 0x44BC2CF5AD770999)]
    [InlineData("Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1)]
    public void TextIsHashedByXxh64(string text, ulong hash)
    {
        Assert.Equal(hash, StableHash.Of(text));
        Assert.Equal(hash, StableHash.Of<object>(text));
        Assert.Equal(hash, StableHash.Of(Encoding.UTF8.GetBytes(text)));
    }

    [Fact]
    public void ALongTextHasTheHashOfItsBytes()
    {
        string text = string.Concat(Enumerable.Repeat("κλειδί 🔑 ", 1000));
        Assert.Equal(StableHash.Of(Encoding.UTF8.GetBytes(text)), StableHash.Of(text));
        Assert.NotEqual(StableHash.Of(text), StableHash.Of(text + "x"));
    }

    [Fact]
    public void TheHashOfAKeyNeverChanges()
    {
        Assert.Equal(ulong.MaxValue, StableHash.Of(-1));
        Assert.Equal(StableHash.Of(-1L), StableHash.Of((sbyte)-1));
        Assert.Equal(5UL, StableHash.Of(DayOfWeek.Friday));
        Assert.Equal(0UL, StableHash.Of<string?>(null));
        Assert.Equal(0UL, StableHash.Of<int?>(null));
        Assert.Equal(7UL, StableHash.Of<int?>(7));
        Assert.Equal(StableHash.Of(DateTimeOffset.UnixEpoch), StableHash.Of(DateTimeOffset.UnixEpoch.ToOffset(TimeSpan.FromHours(2))));
        Assert.Equal(StableHash.Of(new byte[16]), StableHash.Of(Guid.Empty));
        Assert.Equal(0x199D4B2144F7C1B9UL, StableHash.Of(new Guid("00112233-4455-6677-8899-aabbccddeeff")));
        Assert.Equal(0x65FCAC41B8C62E7FUL, StableHash.Of(("ATL", 3)));
        Assert.NotEqual(StableHash.Of(("ATL", "LAX")), StableHash.Of(("LAX", "ATL")));
    }

    [Theory]
    [InlineData(typeof(string), true)]
    [InlineData(typeof(long?), true)]
    [InlineData(typeof(DayOfWeek), true)]
    [InlineData(typeof((string, Guid?)), true)]
    [InlineData(typeof((string, Version)), false)]
    [InlineData(typeof(object), false)]
    [InlineData(typeof(Version), false)]
    public void StableHashCoversOnlyTypesWithStableKeys(Type type, bool isStable) => Assert.Equal(isStable, StableHash.Covers(type));

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(64)]
    public void ConsecutiveKeysAreSpreadOverAllBuckets(int buckets)
    {
        var numbers = Enumerable.Range(-500, 1000).CountBy(n => StableHash.Bucket(StableHash.Of(n), buckets)).ToDictionary();
        var texts = Enumerable.Range(-500, 1000).CountBy(n => StableHash.Bucket(StableHash.Of($"customer-{n}"), buckets)).ToDictionary();
        foreach (var counts in new[] { numbers, texts })
        {
            Assert.Equal(Enumerable.Range(0, buckets), counts.Keys.Order());
            Assert.All(counts.Values, count => Assert.InRange(count, 1000 / buckets / 3, 1000 / buckets * 3));
        }
    }

    [Fact]
    public async Task AKeyOfTextGoesToTheSameLaneInEveryProcess()
    {
        Dictionary<string, int> lanes = [];
        int made = 0;
        Pipeline pipeline = Source.From("ATL BOS CLT DEN EWR FLL".Split(' ')) | Stage.KeyBy((string code) => code, lanes: 4)
            | StageNode.Of(() => new Lane(made++, lanes));
        await pipeline.RunAsync(new RunOptions { Mode = ExecutionMode.SingleThread });
        Assert.Equal("1 3 1 0 2 2", string.Join(' ', lanes.OrderBy(lane => lane.Key, StringComparer.Ordinal).Select(lane => lane.Value)));
    }

    private sealed class Lane(int number, Dictionary<string, int> lanes) : SinkNode<string>
    {
        protected override ValueTask ProcessAsync(string item, CancellationToken cancellation)
        {
            lanes.Add(item, number);
            return default;
        }
    }
}
