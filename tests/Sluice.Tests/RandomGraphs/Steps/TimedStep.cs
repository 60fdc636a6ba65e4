namespace Sluice.Tests.RandomGraphs;

internal enum TimedKind
{
    Delay,
    Throttle,
    Timeout,
}

/// <summary>The operators that have a clock. They pass everything on, in order, only later.</summary>
/// <remarks>Where the clock is not virtual, a stage that does nothing stands for those that would take time.</remarks>
internal sealed record TimedStep(int Id, int? Buffer, TimedKind Kind, int Milliseconds, int Items) : OrderedStep(Id, Buffer)
{
    private static readonly TimeSpan Never = TimeSpan.FromDays(10_000);

    public override string Name => $"{Kind}-{Id}".ToLowerInvariant();

    protected override string Details => $" {Items} per {Milliseconds} ms";

    protected override Source<long> Apply(Source<long> source, Rig rig) => Kind switch
    {
        TimedKind.Timeout => source.Timeout(Never),
        _ when rig.Clock is null => source.Skip(0),
        TimedKind.Delay => source.Delay(TimeSpan.FromMilliseconds(Milliseconds), maxHeld: Items),
        _ => source.Throttle(Items, TimeSpan.FromMilliseconds(Milliseconds), smooth: Milliseconds % 2 == 0),
    };

    protected override IEnumerable<Item> Outputs(IReadOnlyList<Item> items) => items;
}
