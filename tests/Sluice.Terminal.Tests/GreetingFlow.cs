using Sluice.Flows;

namespace Sluice.Terminal.Tests;

/// <summary>A flow of two processors: <c>hello</c> writes a greeting, <c>print</c> reads it.</summary>
internal static class GreetingFlow
{
    /// <summary>Starts the run <c>run-1</c> of the flow on a supervisor that hosts both processors.</summary>
    public static async Task<FlowRun> StartAsync(Supervisor supervisor, CancellationToken cancellation)
    {
        var hello = new Processor("hello") { Outputs = ["greeting"] };
        var print = new Processor("print") { Inputs = ["greeting"] };
        supervisor.Register(hello, () => Task.FromResult("hello"));
        supervisor.Register(print, async (IO<string> greeting) =>
        {
            await greeting.FirstAsync();
        });
        return await supervisor.StartAsync(Flow.From(hello, print).Resolve(), [], run: "run-1", cancellation: cancellation);
    }
}
