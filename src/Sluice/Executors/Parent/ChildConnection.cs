namespace Sluice;

/// <summary>A child process that has connected, and the functions that it executes.</summary>
/// <remarks>One loop receives. All else is thread-safe.</remarks>
internal sealed class ChildConnection : IAsyncDisposable
{
    private readonly WorkerArrival arrival;
    private readonly WorkerProcess process;
    private readonly ChildErrors errors;
    private readonly ProcessExecutorOptions options;
    private readonly Lock sync = new();
    private readonly Dictionary<long, ServedCall> calls = [];
    private readonly Task running;
    private long last;
    private bool isOver;

    public ChildConnection(WorkerArrival arrival, WorkerProcess process, ChildErrors errors, ProcessExecutorOptions options)
    {
        (this.arrival, this.process, this.errors, this.options) = (arrival, process, errors, options);
        Sender = new(arrival.Socket);
        running = RunAsync();
    }

    public FrameSender Sender { get; }

    /// <summary>How much is remembered of each function that is executed there.</summary>
    public IReadOnlyList<(int Readings, int Failures)> Held
    {
        get
        {
            lock (sync) return [.. calls.Values.Select(call => call.Held)];
        }
    }

    public int MaxValueBytes => options.MaxValueBytes;

    /// <summary>Whether nothing can be executed there any more.</summary>
    public bool IsOver => Volatile.Read(ref isOver);

    /// <summary>Has a function executed, to its end.</summary>
    /// <exception cref="ExecutionLostException">The process has ended before.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task ExecuteAsync(Invocation invocation, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        ServedCall call;
        lock (sync)
        {
            if (isOver) throw new ExecutionLostException("The child process ended before it was told what to execute.");
            call = new(this, ++last, invocation);
            calls.Add(call.Number, call);
        }
        call.Begin();
        using CancellationTokenRegistration _ = cancellation.UnsafeRegister(static call => ((ServedCall)call!).Cancel(), call);
        using ITimer late = TimeProvider.System.CreateTimer(_ => EndIfLate(call), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        using CancellationTokenRegistration __ = cancellation.UnsafeRegister(_ => late.Change(options.StopTime, Timeout.InfiniteTimeSpan), null);
        try
        {
            await call.EndedAsync().ConfigureAwait(false);
        }
        catch (ExecutionLostException) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);
        }
        finally
        {
            lock (sync) calls.Remove(call.Number);
            call.Dispose();
            EndIfLate(ended: null);
        }
    }

    /// <summary>Ends the process.</summary>
    public async ValueTask DisposeAsync()
    {
        arrival.Socket.Dispose();                    // then nothing comes any more
        await running.ConfigureAwait(false);
    }

    /// <summary>A function does not end although it was cancelled: the process is ended, if all that it executes is like that.</summary>
    private void EndIfLate(ServedCall? ended)
    {
        lock (sync)
        {
            if (ended is not null) ended.IsLate = true;
            if (calls.Count > 0 && calls.Values.All(call => call.IsLate)) process.Kill();
        }
    }

    // Throws nothing.
    private async Task RunAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Task sending = Sender.RunAsync();
        string odd = "";
        try
        {
            do TakeAll();
            while (await arrival.Reader.ReceiveAsync(CancellationToken.None).ConfigureAwait(false));
        }
        catch (InvalidDataException e)
        {
            odd = $" It was killed, because it sent what it should not: {e.Message}";
            process.Kill();
        }
        catch (Exception)
        {
            // Gone, or not needed any more.
        }
        lock (sync) isOver = true;
        Sender.Close();
        arrival.Socket.Dispose();
        await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await process.EndAsync(options.StopTime).ConfigureAwait(false);          // it ends by itself when its connection does
        string wrote = await errors.EndAsync().ConfigureAwait(false);
        var lost = new ExecutionLostException($"the child process has ended with {process.HowItEnded()}.{odd}{wrote}");
        ServedCall[] left;
        lock (sync) left = [.. calls.Values];
        foreach (ServedCall call in left) call.Lose(lost);
        process.Dispose();
        arrival.Reader.Dispose();
        Sender.Dispose();
    }

    private void TakeAll()
    {
        while (arrival.Reader.TryTake(out ReadOnlySpan<byte> frame))
        {
            var kind = (CallFrame)frame[0];
            frame = frame[1..];
            long number = FrameReader.Number(ref frame);
            ServedCall? call;
            lock (sync) calls.TryGetValue(number, out call);
            call?.Take(kind, frame);                 // one that has ended may have left something behind
        }
    }
}
