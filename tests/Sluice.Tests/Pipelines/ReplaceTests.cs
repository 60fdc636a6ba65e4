namespace Sluice.Tests.Pipelines;

public class ReplaceTests
{
    private readonly List<string> written = [];

    [Fact]
    public async Task EveryKindOfNodeCanBeReplacedByName()
    {
        Pipeline pipeline = Everything();
        for (int i = 0; i < 2; i++)
        {
            // Twice: replacing keeps the name, so that it can be done again.
            pipeline = pipeline
                .Replace("numbers", Source.From([1, 2, 3]))
                .Replace("Double", Pipe.Of<int>() | (n => n * 100))
                .Replace("inner", Pipe.Of<int>() | (n => n + 2))
                .Replace("Write", Sink.Of<int>(n => written.Add($"replaced {n}")));
        }
        await pipeline.RunAsync(new RunOptions { Mode = ExecutionMode.SingleThread });
        Assert.Equal(["replaced 102", "also 102", "replaced 100", "also 100", "replaced 202", "also 202", "replaced 200", "also 200",
            "replaced 302", "also 302", "replaced 300", "also 300"], written);
        Assert.Equal(["numbers", "Double", "inner", "Write"],
            pipeline.Topology.Nodes.Select(node => node.Name).Intersect(["numbers", "Double", "inner", "Write"]));
    }

    [Fact]
    public void AReplacementThatDoesNotFitIsRefusedWithAReason()
    {
        Pipeline pipeline = Everything();
        Pipeline turns = (Source.From([1]).RoundRobin(s => s) | Stage.Named("turns")).ForEach(_ => { });
        var wrongType = Assert.Throws<InvalidOperationException>(() => pipeline.Replace("Double", Pipe.Of<string>()));
        Assert.StartsWith("The node 'Double' takes int and puts out int", wrongType.Message, StringComparison.Ordinal);
        Assert.Contains("is a source of int", Assert.Throws<InvalidOperationException>(() => pipeline.Replace("numbers", Source.Of("a")))
            .Message, StringComparison.Ordinal);
        Assert.Contains("is a sink of int", Assert.Throws<InvalidOperationException>(() => pipeline.Replace("Write", Pipe.Of<int>()))
            .Message, StringComparison.Ordinal);
        Assert.Contains("is a round-robin", Assert.Throws<InvalidOperationException>(() => turns.Replace("turns", Pipe.Of<int>())).Message,
            StringComparison.Ordinal);
        Assert.Contains("Double", Assert.Throws<KeyNotFoundException>(() => pipeline.Replace("Doubel", Pipe.Of<int>())).Message,
            StringComparison.Ordinal);
    }

    private static int Double(int n) => n * 2;

    private void Write(int n) => written.Add($"written {n}");

    private Pipeline Everything() => (Source.From([7]) | Stage.Named("numbers"))
        | Double
        | [s => s | (n => n + 10) | Stage.Named("inner"), s => s]
        | [Write, (int n) => written.Add($"also {n}")];
}
