using Sluice.Flows;
using Sluice.Graphs;
using Sluice.Hosting;
using Sluice.Storage;

namespace Sluice.Tests.Policies;

/// <summary>An <c>async void</c> function is refused wherever Sluice calls a function that returns nothing: a failure in it would end the
/// process.</summary>
public class CallbackTests
{
    [Fact]
    public async Task AnAsyncVoidCallbackIsRefusedByName()
    {
#pragma warning disable SLU002, VSTHRD101, AsyncFixer03 // that is what is refused
        Refuses("ConsecutorOptions.OnWarning", static () => new ConsecutorOptions { OnWarning = TellAsync });
        Refuses("RunOptions.OnStarted", static () => new RunOptions { OnStarted = static async _ => await Task.Yield() });
        Refuses("SupervisorOptions.OnWarning", static () => new SupervisorOptions { OnWarning = TellAsync });
        Refuses("SupervisorOptions.OnDetails", static () => new SupervisorOptions { OnDetails = TellAsync });
        Refuses("SluiceOptions.OnWarning", static () => new SluiceOptions { OnWarning = TellAsync });
        Refuses("ResumableFilesOptions.OnWarning", static () => new ResumableFilesOptions { OnWarning = TellAsync });
        Refuses("ResumableLinesOptions.OnWarning", static () => new ResumableLinesOptions { OnWarning = TellAsync });
        Refuses("TcpOptions.OnWarning", static () => new TcpOptions { OnWarning = TellAsync });
        Refuses("TcpOptions.OnListening", static () => new TcpOptions { OnListening = static async _ => await Task.Yield() });
        Refuses("QueryOptions.Configure", static () => new QueryOptions { Configure = static async _ => await Task.Yield() });
        Refuses("StepScopeOptions.OnUnobservedFailure",
            static () => new StepScopeOptions { OnUnobservedFailure = static async _ => await Task.Yield() });
        Refuses("log", static () => Stage.Log(static async _ => await Task.Yield()));
        Refuses("log", static () => (Source.From([1]) | (static _ => { })).Log("source-1", "output", static async _ => await Task.Yield()));
        Refuses("ended", static () => StepScope.Watch(static async _ => await Task.Yield()));
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("same", static request => request);
        Graph<int> graph = builder.Build();
        Refuses("ended", () => graph.Watch(static async (_, _) => await Task.Yield()));
        Refuses("change", () => graph.With(static async _ => await Task.Yield()));
        Refuses("write", static () => Sink.ToFile<int>("numbers.txt", static async (_, _) => await Task.Yield()));
        await Assert.ThrowsAsync<ArgumentException>("onWarning",
            static () => StreamStores.OpenAsync("memory", TellAsync, CancellationToken.None).AsTask());
#pragma warning restore SLU002, VSTHRD101, AsyncFixer03

        static async void TellAsync(string text) => await Task.Yield();
    }

    private static void Refuses(string name, Func<object?> call)
    {
        var refused = Assert.Throws<ArgumentException>(name, call);
        Assert.StartsWith($"{name} is async void: Sluice calls it and cannot wait for it, and a failure in it would end the process.",
            refused.Message, StringComparison.Ordinal);
    }
}
