using Sluice.Topologies;

namespace Sluice.Tests.Pipelines;

/// <summary>A branch must use its source exactly once. Anything else would hang or crash, so it is refused before the run starts.</summary>
public class BranchInputTests
{
    private static readonly Source<int> Numbers = Source.From([1, 2, 3]);

    [Fact]
    public void ABranchThatUsesItsSourceTwiceIsRefused()
        => IsRefused(Numbers.Broadcast(s => s.Zip(s.Select(n => n * 10), (one, ten) => one + ten)), "used twice");

    [Fact]
    public void ABranchThatUsesTheSourceOfTheBranchAroundItIsRefused()
    {
        IsRefused(Numbers.Broadcast(s => s.Broadcast(t => t, t => s)), "used twice");
        IsRefused(Numbers.Broadcast(s => s.Select(n => $"{n}").Broadcast(t => t.Select(int.Parse), t => s)), "used twice");
        IsRefused(Numbers.Broadcast(s => s.Broadcast(t => t.Zip(s, (inner, _) => inner))), "used twice");
    }

    [Fact]
    public void ABranchThatDoesNotUseItsSourceIsRefused()
    {
        IsRefused(Numbers.Broadcast(s => s, s => Source.From([7])), "does not use the source");
        IsRefused(Numbers.Route(n => "a", ("a", s => s), ("b", s => Source.From([7]))), "does not use the source");
    }

    [Fact]
    public void TheSourceOfABranchIsRefusedOutsideOfIt()
    {
        Source<int>? escaped = null;
        Pipe<int, int> pipe = Pipe.Of<int>().Broadcast(s => escaped = s);

        IsRefused((Numbers | pipe).Merge(escaped!), "outside of its branch");
    }

    private static void IsRefused(Source<int> source, string because)
    {
        Pipeline pipeline = source.ForEach(_ => { });

        var drawn = Assert.Throws<InvalidTopologyException>(() => pipeline.Topology);
        var started = Assert.Throws<InvalidTopologyException>(() => { _ = pipeline.Start(); });
        Assert.Contains(because, drawn.Message, StringComparison.Ordinal);
        Assert.Contains(because, started.Message, StringComparison.Ordinal);
    }
}
