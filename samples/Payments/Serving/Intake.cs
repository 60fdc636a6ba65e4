using System.Net;
using Sluice;

namespace Payments.Serving;

/// <summary>What clients send over TCP, straight into the consecutor.</summary>
internal sealed class Intake : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly PipelineRun run;

    private Intake(PipelineRun run) => this.run = run;

    /// <summary>Where it listens.</summary>
    public required IPEndPoint Address { get; init; }

    /// <summary>Ends when it is stopped; faulted if it could not go on.</summary>
    public Task Completion => run.Completion;

    /// <summary>Listens; when it returns, clients are served.</summary>
    /// <exception cref="UserMistake">The port cannot be had.</exception>
    public static async Task<Intake> StartAsync(int port, Consecutor<Payment> payments)
    {
        var listening = new TaskCompletionSource<IPEndPoint>(TaskCreationOptions.RunContinuationsAsynchronously);
        PipelineRun run = (Source.Tcp(port, payments.Serializer,
            new TcpOptions { OnListening = address => listening.TrySetResult(address) }) | payments).Start(new RunOptions());
        if (await Task.WhenAny(listening.Task, run.Completion) == listening.Task) return new Intake(run) { Address = await listening.Task };
        try
        {
            await run.Completion;
            throw new InvalidOperationException("The TCP producer ended at once.");
        }
        catch (PipelineException cause)
        {
            throw new UserMistake($"--tcp {port}: {(cause.InnerException ?? cause).Message}", cause);
        }
    }

    /// <summary>Answers what it has taken, and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!run.Completion.IsCompleted) await run.StopAsync(Patience);
        await run.DisposeAsync();
    }
}
