namespace Sluice.Tests.Pipelines;

/// <summary>A function of a stage that returns null instead of a task fails its item, and the error says so.</summary>
public class NullTaskOfAStageTests
{
    [Fact]
    public async Task AStageThatReturnsANullTaskFailsAndIsNamed()
    {
        Source<int> numbers = Source.From([1]);
        Func<int, Task<int>> map = static _ => null!;
        Func<int, CancellationToken, Task<int>> mapWithToken = static (_, _) => null!;
        Func<int, Task> end = static _ => null!;
        Func<int, CancellationToken, Task> endWithToken = static (_, _) => null!;
        foreach (Pipeline pipeline in (Pipeline[])
            [
                numbers | map | Stage.Named("load") | (static _ => { }), numbers | mapWithToken | Stage.Named("load") | (static _ => { }),
                numbers | end | Stage.Named("load"), numbers | endWithToken | Stage.Named("load"),
            ])
        {
            PipelineException failure = await Assert.ThrowsAsync<PipelineException>(() => pipeline.RunAsync());
            Assert.Equal("load", failure.Node);
            Assert.Contains("It returned null instead of a task.", failure.Message, StringComparison.Ordinal);
        }
    }
}
