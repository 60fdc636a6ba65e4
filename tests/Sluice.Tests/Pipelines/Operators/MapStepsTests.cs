using System.Globalization;
using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>The run fuses maps that change the type, and the sink behind them, into one function. Each of them remains a node.</summary>
public class MapStepsTests
{
    [Theory]
    [InlineData("Half", 7, 7L, 7L)]
    [InlineData("Text", 3.5, 8L, 7L)]
    [InlineData("Write", "3.5", 8L, 8L)]
    public async Task AFailureInFusedMapsNamesTheNodeAndTheItem(string node, object item, long halved, long texts)
    {
        var written = new List<string>();
        var pipeline = Source.From(Enumerable.Range(0, 10)) | Half | Text | Write;
        await using PipelineRun run = pipeline.Start(new RunOptions { Mode = ExecutionMode.SingleThread });
        PipelineException failure = await Assert.ThrowsAsync<PipelineException>(() => run.Completion);

        Assert.Equal((node, item), (failure.Node, failure.Item));
        Assert.Equal(7, written.Count);
        RunSnapshot end = run.Snapshot();
        Assert.Equal((8, halved), (end["Half"].In, end["Half"].Out));
        Assert.Equal((halved, texts), (end["Text"].In, end["Text"].Out));
        Assert.Equal(1, end[node].Failed);
        Assert.Equal(1, end.Nodes.Sum(each => each.Failed));

        double Half(int n) => node == nameof(Half) && n == 7 ? throw new FormatException("no") : n * 0.5;
        string Text(double n) => node == nameof(Text) && n == 3.5 ? throw new FormatException("no")
            : n.ToString(CultureInfo.InvariantCulture);
        void Write(string text)
        {
            if (node == nameof(Write) && text == "3.5") throw new FormatException("no");
            written.Add(text);
        }
    }
}
