namespace Sluice.Tests.Pipelines;

public class EndOfAKeyTests
{
    [Fact]
    public async Task AFailureOfANodeAtTheEndOfAKeyNamesTheKey()
    {
        var failure = await Assert.ThrowsAsync<PipelineException>(() => (Keyed | StageNode.Of(static () => new Ending())
            | Stage.Named("ends") | (static _ => { })).RunAsync(cancellation: TestContext.Current.CancellationToken));
        Assert.Equal("'ends' failed on item the end of the key '4': no four", failure.Message);
    }

    [Fact]
    public async Task AFailureOfAResultByKeyNamesTheKey()
    {
        var failure = await Assert.ThrowsAsync<PipelineException>(() => Keyed.Aggregate(0, static (sum, n) => sum + n, Refused)
            .ForEach(static _ => { }).RunAsync(cancellation: TestContext.Current.CancellationToken));
        Assert.Equal("'aggregate-1' failed on item the end of the key '4': no four", failure.Message);
    }

    [Fact]
    public async Task AFailureOfAResultNamesNoKeyWithoutAKeyBy()
    {
        var failure = await Assert.ThrowsAsync<PipelineException>(() => Source.From([4]).Aggregate(0, static (sum, n) => sum + n, Refused)
            .ForEach(static _ => { }).RunAsync(cancellation: TestContext.Current.CancellationToken));
        Assert.Equal("'aggregate-1' failed: no four", failure.Message);
    }

    private static Source<int> Keyed => Source.From([1, 2, 3, 4, 5]) | Stage.KeyBy(static (int n) => n, 2);

    private static int Refused(int sum) => sum == 4 ? throw new FormatException("no four") : sum;

    private sealed class Ending : StatefulStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            State = item;
            return default;
        }

        protected override ValueTask EndKeyAsync(Output<int> output, CancellationToken cancellation) => output.PushAsync(Refused(State));
    }
}
