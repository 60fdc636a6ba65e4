using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary>A value type has no null: children that take one are skipped if their optional parent has produced no value.</summary>
public class SkippedValueTypeTests
{
    [Fact]
    public async Task ChildrenOfAFailedOptionalNumberAreSkipped()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> number = builder.Add("number", int (int n) => n > 0 ? n : throw new FormatException()).Optional();
        GraphNode<int> twice = builder.Add("twice", number, n => 2 * n);
        GraphNode<string> text = builder.Add("text", number, n => $"{n}");
        GraphNode<string> behind = builder.Add("behind", text, twice, (t, n) => $"{t} {n}");
        GraphNode<string> optionalText = builder.Add("optionalText", string (int n) => n > 0 ? "t" : throw new FormatException())
            .Optional();
        GraphNode<string> sees = builder.Add("sees", optionalText, t => t ?? "nothing");
        GraphNode<int> fallback = builder.Add("fallback", int (int n) => n > 0 ? n : throw new FormatException()).Optional().Fallback(9);
        GraphNode<int> more = builder.Add("more", fallback, n => n + 1);
        GraphNode<int> worse = builder.Add("worse", int (int n) => n > 0 ? n : throw new FormatException()).Optional()
            .Fallback(int (Exception _) => throw new NotSupportedException());
        GraphNode<int> behindWorse = builder.Add("behindWorse", worse, n => n + 1);
        Graph<int> graph = builder.Build();

        GraphContext<int> none = await graph.ResolveAsync(0, TestContext.Current.CancellationToken);
        Assert.Equal([NodeStatus.Failed, NodeStatus.Skipped, NodeStatus.Skipped, NodeStatus.Skipped],
            new GraphNode[] { number, twice, text, behind }.Select(node => none.Outcome(node).Status));
        Assert.Equal(("nothing", 10, 0, null), (none.Get(sees), none.Get(more), none.Get(twice), none.Get(text)));
        Assert.Equal((NodeStatus.Failed, NodeStatus.Skipped), (none.Outcome(worse).Status, none.Outcome(behindWorse).Status));
        Assert.DoesNotContain("twice", none.Merged.Keys);

        GraphContext<int> some = await graph.ResolveAsync(3, TestContext.Current.CancellationToken);
        Assert.Equal((6, "3", "3 6", "t", 4),
            (some.Get(twice), some.Get(text), some.Get(behind), some.Get(sees), some.Get(behindWorse)));
    }
}
