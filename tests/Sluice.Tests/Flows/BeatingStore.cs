using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A store that counts the heartbeats that it receives.</summary>
internal sealed class BeatingStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
{
    private readonly Lock sync = new();
    private int beats;
    private (int Count, TaskCompletionSource Reached)? waiting;

    public int Beats
    {
        get { lock (sync) return beats; }
    }

    public Task BeatsAsync(int count)
    {
        lock (sync)
        {
            if (beats >= count) return Task.CompletedTask;
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting = (count, reached);
            return reached.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        }
    }

    protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        T result = await call();
        if (name != nameof(HeartbeatAsync)) return result;
        lock (sync)
            if (++beats >= waiting?.Count) waiting.Value.Reached.TrySetResult();
        return result;
    }
}
