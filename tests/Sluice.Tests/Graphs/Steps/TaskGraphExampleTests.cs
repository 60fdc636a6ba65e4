namespace Sluice.Tests.Graphs;

public class TaskGraphExampleTests
{
    /// <summary>Example/1-TaskGraph.cs is how steps were meant to read before there were any: it is kept as it was, and compiles with the
    /// twins that the generator writes.</summary>
    [Fact]
    public async Task TheExampleIsCancelledByItsToken()
    {
        using var stop = new CancellationTokenSource();
        StepLab.Cancel(stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Etl.ScopedAsync(["a", "b"], stop.Token));
    }
}
