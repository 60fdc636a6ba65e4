using System.Text;
using Sluice.Flows;

namespace Sluice.Dashboard.Tests;

/// <summary>A flow that doubles its numbers, and the service that hosts it.</summary>
internal sealed class Doubling : IAsyncDisposable
{
    private static readonly Processor Doubles = new("doubles") { Inputs = ["x"], Outputs = ["y"] };

    private readonly List<FlowRun> runs = [];
    private readonly IStreamStore store;

    public Doubling(IStreamStore store, string name = "shop-1", IStreamStore? wrapped = null)
    {
        this.store = store;
        Service = Supervisor.Attach(wrapped ?? store, new() { Name = name, OnWarning = static _ => { } });
        Service.Register(Doubles, static async (IO<byte[]> x, IOWriter<byte[]> y, CancellationToken cancellation) =>
        {
            await foreach (byte[] value in x.StreamAsync(cancellation))
                await y.WriteAsync(value.AsSpan().SequenceEqual("poison"u8) ? throw new FormatException("poison <b>")
                    : [.. value, .. value], cancellation);
        });
    }

    public Supervisor Service { get; }

    /// <summary>The flow; it keeps its input if that is wished.</summary>
    public static Flow FlowOf(bool keepsInput) => Flow.From(Doubles)
        .With("x", new() { Retention = keepsInput ? Retention.All : default }).Resolve();

    /// <summary>Starts a run, and waits for its end.</summary>
    public async Task RunAsync(string id, bool keepsInput, params string[] values)
    {
        FlowRun run = await Service.StartAsync(FlowOf(keepsInput),
            values.Select(static value => IOVal.Of("x", Encoding.UTF8.GetBytes(value))), run: id, keepOutputs: true,
            cancellation: TestContext.Current.CancellationToken);
        runs.Add(run);
        await EndedAsync(run);
    }

    /// <summary>Waits for the end of a run.</summary>
    public async Task EndedAsync(string id)
    {
        await using FlowRun run = await Service.FindAsync(id, TestContext.Current.CancellationToken)
            ?? throw new InvalidOperationException($"There is no run {id}.");
        await EndedAsync(run);
    }

    /// <summary>Waits until all values of the input have left the store: that is a moment after the end of a run that does not keep them.
    /// </summary>
    public async Task ReleasedAsync(string id)
    {
        while ((await store.FindStreamAsync($"flow-io/{id}/x", TestContext.Current.CancellationToken))!.Items > 0)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (FlowRun run in runs) await run.DisposeAsync();
        await Service.DisposeAsync();
    }

    private static async Task EndedAsync(FlowRun run)
    {
        try
        {
            await run.Completion.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        }
        catch (FlowException)
        {
            // It has failed, as its values are.
        }
    }
}
