namespace Sluice.Bench;

/// <summary>The library's side of the chains that several scenarios share.</summary>
internal static class Chain
{
    public static readonly RunOptions OnThisThread = new() { Mode = ExecutionMode.SingleThread };

    /// <summary>Puts every map behind a boundary, and a boundary before the next stage.</summary>
    public static Source<long> Buffered(Source<long> source, IEnumerable<Func<long, long>> maps)
    {
        source = source | Stage.Buffer(ChannelStages.Capacity);
        foreach (var map in maps) source = source | map | Stage.Buffer(ChannelStages.Capacity);
        return source;
    }

    public static async Task<double> BufferedSumAsync(Source<long> source, IEnumerable<Func<long, long>> maps)
    {
        long sum = 0;
        var pipeline = Buffered(source, maps) | (value => { sum += value; });
        await pipeline.Start().Completion;           // without the snapshot of RunAsync: the rivals make none
        return sum;
    }
}
