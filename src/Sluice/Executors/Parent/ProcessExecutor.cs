using Sluice.ChildProcesses;
using Sluice.Flows;

namespace Sluice.Executors;

/// <summary>The executor that runs functions in child processes.</summary>
/// <remarks>Thread-safe. Timeouts of processes are in real time, whatever the supervisor's clock is.</remarks>
internal sealed class ProcessExecutor : IExecutor, IAsyncDisposable
{
    private readonly Lock sync = new();
    private readonly CancellationTokenSource life = new();
    private readonly ProcessExecutorOptions options;
    private readonly ExecutorProgram program;
    private readonly List<ChildSlot> shared = [];
    private readonly List<ChildSlot> alone = [];     // each for one function that may end its process
    private readonly int count;
    private ChildListener? listener;
    private ChildLauncher? launcher;
    private bool isDisposed;

    public ProcessExecutor(int count, ProcessExecutorOptions options, ExecutorProgram program)
    {
        (this.count, this.options, this.program) = (count, options, program);
        for (int i = 0; i < count; i++) shared.Add(new(program, options, life.Token));
    }

    /// <summary>The children that are connected.</summary>
    internal IReadOnlyList<CallConnection> Connected => [.. shared.Select(static slot => slot.Connected).OfType<CallConnection>()];

    public async Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        ChildSlot slot = Take(isSuspect: call.Start > 1);
        try
        {
            CallConnection? child = null;
            do
                await call.WaitForPlaceAsync(async () => child = await slot.ConnectAsync(Launcher, cancellation).ConfigureAwait(false))
                    .ConfigureAwait(false);
            while (child!.IsOver);                   // it has ended while the function waited for its slot
            await child.ExecuteAsync(call, cancellation).ConfigureAwait(false);
        }
        catch (ChildFunctionException e)
        {
            throw program.Explain(e);
        }
        finally
        {
            if (GiveBack(slot)) await slot.EndAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Ends all child processes; their functions are lost.</summary>
    public async ValueTask DisposeAsync()
    {
        ChildSlot[] all;
        lock (sync)
        {
            if (isDisposed) return;
            isDisposed = true;
            all = [.. shared, .. alone];
        }
        await life.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(all.Select(slot => slot.EndAsync())).ConfigureAwait(false);
        if (listener is not null) await listener.DisposeAsync().ConfigureAwait(false);
        life.Dispose();
    }

    /// <param name="isSuspect">Whether an earlier start of it lost its process.</param>
    private ChildSlot Take(bool isSuspect)
    {
        lock (sync)
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            ChildSlot slot;
            if (isSuspect && alone.Count < count) alone.Add(slot = new(program, options, life.Token));
            else slot = shared.MinBy(one => one.Load)!;
            slot.Load++;
            return slot;
        }
    }

    // The listener is made with the first child.
    private ChildLauncher Launcher()
    {
        lock (sync)
        {
            life.Token.ThrowIfCancellationRequested();
            listener ??= new(options.MaxValueBytes, options.StartTimeout, life.Token);
            return launcher ??= new(program.Program, listener, life.Token);
        }
    }

    /// <returns>Whether the slot is for this function only, and so can end.</returns>
    private bool GiveBack(ChildSlot slot)
    {
        lock (sync)
        {
            slot.Load--;
            return alone.Remove(slot);
        }
    }
}
