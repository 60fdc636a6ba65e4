using System.Collections.Concurrent;

namespace Sluice.Tests.Pipelines;

/// <summary><c>pipeline.Log("g", "input")</c> makes a node report its items. The pipeline itself does not change.</summary>
public sealed class NodeLogTests
{
    private static int G(int n) => 10 * n;

    private static Pipeline Three => Source.From([1, 2]) | Stage.Named("in") | G | (n => n + 1) | Stage.Named("h") | ((int _) => { })
        | Stage.Named("out");

    [Theory]
    [InlineData("g", "G", "input", "> G: 1,> G: 2")]
    [InlineData("g", "G", "output", "< G: 10,< G: 20")]
    [InlineData("g", "G", "both", "> G: 1,< G: 10,> G: 2,< G: 20")]
    [InlineData("source", "in", "output", "< in: 1,< in: 2")]
    [InlineData("sink", "out", "input", "> out: 11,> out: 21")]
    public async Task ALoggedNodeReportsItsInputOutputOrBoth(string _, string node, string what, string expected)
    {
        foreach (ExecutionMode mode in Enum.GetValues<ExecutionMode>())
        {
            var lines = new ConcurrentQueue<string>();
            await Three.Log(node, what, line => lines.Enqueue($"{line}")).RunAsync(new RunOptions { Mode = mode });
            Assert.Equal(expected, string.Join(',', lines));
        }
    }

    [Fact]
    public async Task SeveralLogsOfAPipelineAllReport()
    {
        var lines = new ConcurrentQueue<string>();
        Pipeline pipeline = Source.From([1]) | G | Stage.Log(line => lines.Enqueue($"own {line}")) | (_ => { });
        await pipeline.Log("G", "input", line => lines.Enqueue($"{line}")).Log("source-1", "output", line => lines.Enqueue($"{line}"))
            .RunAsync(new RunOptions { Mode = ExecutionMode.SingleThread });
        Assert.Equal(["< source-1: 1", "own > G: 1", "> G: 1", "own < G: 10"], lines);
    }

    [Fact]
    public void ALogThatDoesNotFitIsRefusedWithAReason()
    {
        Assert.Contains("Near it: G", Assert.Throws<KeyNotFoundException>(() => Three.Log("g", "input")).Message, StringComparison.Ordinal);
        Assert.Contains("'inputs' is nothing", Assert.Throws<ArgumentException>(() => Three.Log("G", "inputs")).Message,
            StringComparison.Ordinal);
        Assert.Contains("has no input", Assert.Throws<ArgumentException>(() => Three.Log("in", "input")).Message, StringComparison.Ordinal);
        Assert.Contains("has no output", Assert.Throws<ArgumentException>(() => Three.Log("out", "output")).Message,
            StringComparison.Ordinal);
        Pipeline routed = Source.From([1]).Route(n => "a", ("a", s => s)) | Stage.Named("choice") | (_ => { });
        Assert.Contains("is a route, which is part of how", Assert.Throws<InvalidOperationException>(() => routed.Log("choice")).Message,
            StringComparison.Ordinal);
    }
}
