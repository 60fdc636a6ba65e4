using Sluice.Graphs;
using Sluice.Topologies;

namespace Sluice.Tests.Graphs;

public class StepDataTests
{
    private static readonly Step<double, IReadOnlyDictionary<string, string>, string> Describe =
        Step.Of((double payload, IReadOnlyDictionary<string, string> results)
        => $"{payload}({string.Join(' ', results.Select(result => $"{result.Key}={result.Value}"))})");

    [Fact]
    public Task RecordsInAnyOrderMakeAGraph() => StepLab.WithSeedsAsync(5, lab => lab.RunAsync(async scope =>
    {
        var work = Step.Of(async (double seconds, IReadOnlyDictionary<string, string> results) =>
        {
            await lab.DelayAsync(seconds);
            return $"{seconds}({string.Join(' ', results.Select(result => $"{result.Key}={result.Value}"))})";
        });
        var futures = Step.FromData<double, string>([new("app", 1, "lib", "core", "lib"), new("lib", 2, "core"), new("core", 4),
            new("docs", 5)], work);

        Assert.Equal(["app", "lib", "core", "docs"], futures.Keys);
        Assert.Equal("1(lib=2(core=4()) core=4())", await futures["app"]);
        Assert.Equal(7, lab.Now);
        Assert.Equal(["core", "lib", "app", "docs"], scope.Topology.Nodes.Select(node => node.Name));
        Assert.Equal(3, scope.Topology.Edges.Count);
    }));

    [Theory]
    [InlineData("a:b b:c c:a", "Records depend on each other in a circle: a -> b -> c -> a (each depends on the next).")]
    [InlineData("a:a", "Records depend on each other in a circle: a -> a ")]
    [InlineData("build: test:buil", "The record \"test\" depends on \"buil\". There is no record \"buil\". Near it: build.")]
    [InlineData("a: a:", "The records number 1 and 2 have one id, \"a\".")]
    [InlineData(":", "The record number 1 of 1 has no id")]
    public void InvalidRecordsAreNamedBeforeAnythingRuns(string graph, string message)
    {
        StepInput<double>[] records = [.. graph.Split(' ').Select(part => part.Split(':'))
            .Select(part => new StepInput<double>(part[0], 1, part[1].Length == 0 ? [] : part[1].Split(',')))];
        Assert.Contains(message, Assert.Throws<InvalidTopologyException>(() => Step.FromData(records, Describe)).Message,
            StringComparison.Ordinal);
    }

    /// <summary>For each unknown id, a look for similar ids compares it with all; thousands would take hours.</summary>
    [Fact]
    public void OnlyTheShownOnesOfManyUnknownIdsAreComparedWithAll()
    {
        StepInput<double>[] records = [.. Enumerable.Range(0, 1000).Select(i => new StepInput<double>($"{i:0000}", i, $"x-{i:0000}"))];
        var refused = Assert.Throws<InvalidTopologyException>(() => Step.FromData(records, Describe));
        Assert.Equal(1000, refused.Problems.Count);
        Assert.EndsWith("There is no record \"x-0009\". Near it: 0009.", refused.Problems[9], StringComparison.Ordinal);
        Assert.Equal("The record \"0010\" depends on \"x-0010\". There is no record \"x-0010\".", refused.Problems[10]);
    }

    [Fact]
    public async Task AHundredThousandRecordsRun()
    {
        var sum = Step.Of((int payload, IReadOnlyDictionary<string, int> results) => payload + results.Values.Sum());
        var futures = Step.FromData(Enumerable.Range(0, 100_000).Reverse()
            .Select(i => new StepInput<int>($"{i}", 1, i == 0 ? [] : [$"{i - 1}"])), sum);
        Assert.Equal(100_000, await futures["99999"]);
    }
}
