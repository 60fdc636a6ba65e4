namespace Sluice.Bench;

/// <summary>Ten stages in a row, each on its own island.</summary>
internal static class Boundary
{
    public static Scenario Scenario { get; } = new("boundary", "10 stages, each behind an asynchronous boundary",
    [
        new Comparison("boundary", 1_000_000, 300_000, Maps.ExpectedSum,
        [
            Variant.OfTask(Variant.Ours, count => Chain.BufferedSumAsync(Source.Range(0, count), Maps.All)),
            Variant.OfTask("channels", async count => await ChannelStages.ChainAsync(count, Maps.All)),
            Variant.OfTask("tpl", async count => await DataflowBlocks.ChainAsync(count, Maps.All)),
        ]),
    ]);
}
