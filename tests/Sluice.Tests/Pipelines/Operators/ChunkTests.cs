namespace Sluice.Tests.Pipelines.Operators;

public sealed class ChunkTests : FunctionOperatorContract<int[]>
{
    protected override string Kind => "chunk";

    protected override int? FirstOutputAfter => 7;

    protected override int MostHeld => 60;

    protected override Source<int[]> Apply(Source<int> source) => source.Chunk(7);

    protected override Pipe<int, int[]> Apply(Pipe<int, int> pipe) => pipe.Chunk(7);

    protected override IEnumerable<int[]> Oracle(IReadOnlyList<int> items) => items.Chunk(7);

    protected override Source<int[]> Fragile(Source<int> source, Action<int> touch) => source.Chunk(7, until: n =>
    {
        touch(n);
        return false;
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AChunkEndsAtTheFirstLimitItReaches(bool timed)
    {
        // Random combinations of limits, with weights above the limit, are compared with a simple implementation of the rule.
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            int? count = random.Next(2) == 0 ? random.Next(1, 40) : null;
            long? maxWeight = random.Next(2) == 0 ? random.Next(1, 40) : null;
            int? ending = random.Next(2) == 0 || (count is null && maxWeight is null) ? random.Next(15) : null;
            int[] items = [.. Enumerable.Range(0, random.Next(120)).Select(_ => random.Next(15))];
            List<int[]> seen = [];
            Source<int[]> chunks = Source.From(items).Chunk(
                count, timed ? TimeSpan.FromHours(1) : null,
                maxWeight is null ? null : n => n, maxWeight, ending is null ? null : n => n == ending);
            await RunAsync(chunks.ForEach(seen.Add), Wiring.SingleThread);
            Assert.Equal(Expected(items, count, maxWeight, ending), seen);
        }
    }

    [Fact]
    public async Task ATooHeavyItemFormsAChunkOfItsOwn()
    {
        List<string> seen = [];
        await Source.From(["aa", "b", "cccccc", "d", "eeee", "ff"]).Chunk(weigh: word => word.Length, maxWeight: 4)
            .ForEach(chunk => seen.Add(string.Join('+', chunk))).RunAsync();
        Assert.Equal(["aa+b", "cccccc", "d", "eeee", "ff"], seen);
    }

    [Theory]
    [InlineData(1L, long.MaxValue)]
    [InlineData(long.MaxValue, 1L)]
    public async Task WeightsDoNotOverflow(long first, long second)
    {
        List<long[]> seen = [];
        await Source.From([first, second]).Chunk(weigh: n => n, maxWeight: long.MaxValue).ForEach(seen.Add).RunAsync();
        Assert.Equal([[first], [second]], seen);
    }

    [Fact]
    public async Task ANegativeWeightFailsTheRunAndNamesTheItem()
    {
        var failure = await Assert.ThrowsAsync<PipelineException>(
            () => Source.From([1, -2]).Chunk(weigh: n => n, maxWeight: 10).ForEach(_ => { }).RunAsync());
        Assert.Equal(-2, failure.Item);
        Assert.Contains("must not be negative", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AChunkWithoutACountHoldsAtMost65536Items()
    {
        List<int> lengths = [];
        await Source.From(Enumerable.Range(0, 70_000)).Chunk(until: _ => false).ForEach(chunk => lengths.Add(chunk.Length)).RunAsync();
        Assert.Equal([65_536, 70_000 - 65_536], lengths);
    }

    [Fact]
    public async Task AnEmittedChunkIsNotChangedLater()
    {
        List<int[]> seen = [];
        await Source.From([1, 2, 3, 4, 5]).Chunk(2).ForEach(seen.Add).RunAsync();
        Assert.Equal([[1, 2], [3, 4], [5]], seen);
    }

    [Fact]
    public void LimitsThatMakeNoSenseAreRefused()
    {
        Source<int> source = Source.From([1]);
        Assert.Contains("needs a limit", Assert.Throws<ArgumentException>(() => source.Chunk()).Message, StringComparison.Ordinal);
        Assert.Contains("needs both", Assert.Throws<ArgumentException>(() => source.Chunk(3, maxWeight: 1)).Message,
            StringComparison.Ordinal);
        Assert.Contains("needs both", Assert.Throws<ArgumentException>(() => source.Chunk(3, weigh: n => n)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Chunk(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Chunk(within: TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Chunk(weigh: n => n, maxWeight: 0));
    }

    private static List<int[]> Expected(int[] items, int? count, long? maxWeight, int? ending)
    {
        List<int[]> chunks = [];
        List<int> open = [];
        foreach (int item in items)
        {
            if (open.Count > 0 && open.Sum() + item > maxWeight) Close();
            open.Add(item);
            if (open.Count == count || open.Sum() >= maxWeight || item == ending) Close();
        }
        if (open.Count > 0) Close();
        return chunks;

        void Close()
        {
            chunks.Add([.. open]);
            open.Clear();
        }
    }
}
