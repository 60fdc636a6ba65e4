using Sluice.Diagnostics;
using Sluice.Scheduling;

namespace Sluice.Pipelines;

/// <summary>Orders the pushes of a node: one push at a time reaches the next stage, from any number of threads, awaited or not. A call of
/// the node ends when its last push has ended.</summary>
/// <remarks>
/// <para>
/// Locking rule: who waits, and the change to sharing, under <c>sync</c>; a turn by one exchange of <c>turn</c>. The thread that runs the
/// synchronous part of a call pushes without an exchange, as long
/// as no other thread has pushed: it writes <c>pushing</c> and then reads <c>isShared</c>; the other thread writes <c>isShared</c>, makes a
/// barrier on all processors, and then reads <c>pushing</c>.
/// So one of the two sees the other. Sharing is for the rest of the instance's life.
/// </para>
/// <para>Pushes to named outputs wait for their readers, not for each other: they are only counted, beside the turns.</para>
/// </remarks>
internal sealed class PushGate(StageContext context)
{
    private const int MaxWaiting = 100_000;
    private const int Closed = 0, Anyone = -1;       // beside numbers of threads, which are positive
    private const int Free = 0, Taken = 1, Awaited = 2;

    [ThreadStatic]
    private static int numberOfThread;               // twice as fast as Environment.CurrentManagedThreadId
    private static int threads;

    private int caller;                              // who may push: none, one thread without an exchange, or any thread in turn
    private bool pushing;                            // that one thread
    private bool isShared;
    private bool callerHolds;                        // the turn belongs to a push that began without an exchange
    private int turn;
    private int beside;
    private Queue<Waiter>? waiting;
    private Waiter? ended;

    public Lock Sync { get; } = new();

    /// <summary>Whether no call of the node is active.</summary>
    public bool IsClosed => Volatile.Read(ref caller) == Closed;

    private static int Me => numberOfThread != 0 ? numberOfThread : numberOfThread = Interlocked.Increment(ref threads);

    private bool IsIdle => Volatile.Read(ref turn) == Free && Volatile.Read(ref beside) == 0;

    /// <summary>The stage, on the thread that is about to call the node.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Begin() => Volatile.Write(ref caller, isShared ? Anyone : Me);

    /// <summary>The stage, on the same thread: the call has returned, and goes on elsewhere.</summary>
    public void Suspend()
    {
        if (!IsClosed) Volatile.Write(ref caller, Anyone);
    }

    /// <summary>The stage: the call has ended. Pushes that begin now are refused.</summary>
    /// <returns>Whether all of its pushes have ended; if not, <see cref="EndAsync"/> waits for them.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnd()
    {
        if (caller <= Closed) return TryEndShared();         // anyone, or it has ended already
        Volatile.Write(ref caller, Closed);
        return !Volatile.Read(ref isShared) || TryEndShared();
    }

    /// <summary>The stage: completes when all pushes of the call have ended.</summary>
    public async ValueTask EndAsync()
    {
        ended ??= new Waiter(context.Run.Scheduler);
        while (true)
        {
            ended.Arm();
            if (IsIdle && ended.Disarm()) return;
            await ended.WaitAsync();
            if (IsIdle) return;
        }
    }

    /// <summary>A push on the calling thread, the only one: the cheap path.</summary>
    /// <returns>Whether it may push; then <see cref="ExitFast"/> or <see cref="Keep"/>. If not, <see cref="EnterAsync"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnterFast()
    {
        if (caller != Me || pushing) return false;
        Volatile.Write(ref pushing, true);
        return !Volatile.Read(ref isShared) || Withdraw();
    }

    /// <summary>Such a push has completed, or failed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ExitFast()
    {
        Volatile.Write(ref pushing, false);
        if (Volatile.Read(ref isShared)) ExitCaller();
    }

    /// <summary>Such a push has to wait: it keeps the turn, until <see cref="Exit"/>.</summary>
    public void Keep()
    {
        lock (Sync)
        {
            if (!callerHolds) turn = Taken;
            callerHolds = pushing = false;
            Volatile.Write(ref caller, Anyone);
        }
    }

    /// <summary>The stage, while its call goes on elsewhere: takes the turn if no push has it. <see cref="Exit"/> ends it.</summary>
    public bool TryEnter() => Interlocked.CompareExchange(ref turn, Taken, Free) == Free;

    /// <summary>Waits for a turn. Turns come in the order of the calls. <see cref="Exit"/> ends it.</summary>
    /// <exception cref="InvalidOperationException">No call of the node is active, or too many pushes wait.</exception>
    public ValueTask EnterAsync()
    {
        while (true)
        {
            CheckOpen();
            if (Interlocked.CompareExchange(ref turn, Taken, Free) == Free)
            {
                int now = Volatile.Read(ref caller);
                if (now == Anyone || (now != Closed && Volatile.Read(ref isShared))) return default;
                Exit();                              // the call has ended meanwhile; another one may have begun
                continue;
            }
            lock (Sync)
            {
                if (Interlocked.CompareExchange(ref turn, Awaited, Taken) == Free) continue;
                if (IsClosed) continue;
                waiting ??= new();
                if (waiting.Count == MaxWaiting) throw TooMany();
                var waiter = new Waiter(context.Run.Scheduler);
                waiter.Arm();
                waiting.Enqueue(waiter);
                return waiter.WaitAsync();
            }
        }
    }

    /// <summary>The push has ended: the next one has its turn.</summary>
    public void Exit()
    {
        if (Interlocked.CompareExchange(ref turn, Free, Taken) != Taken)
        {
            Waiter? next = null;
            lock (Sync)
            {
                if (waiting is null || !waiting.TryDequeue(out next)) Interlocked.Exchange(ref turn, Free);
                else if (waiting.Count == 0) turn = Taken;
            }
            if (next is not null)
            {
                next.Wake();
                return;
            }
        }
        ended?.Wake();
    }

    /// <summary>Begins a push to a named output, which takes no turn.</summary>
    /// <returns>Whether it is counted, and ends with <see cref="EndBeside"/>; if not, the call cannot end before it has returned.</returns>
    /// <exception cref="InvalidOperationException">No call of the node is active.</exception>
    public bool BeginBeside()
    {
        if (caller == Me) return false;
        Interlocked.Increment(ref beside);
        try
        {
            CheckOpen();
        }
        catch
        {
            EndBeside();
            throw;
        }
        return true;
    }

    /// <summary>One that was not counted has to wait, and is counted from here on.</summary>
    public void KeepBeside()
    {
        Interlocked.Increment(ref beside);
        Volatile.Write(ref caller, Anyone);
    }

    public void EndBeside()
    {
        Interlocked.Decrement(ref beside);
        Volatile.Read(ref ended)?.Wake();
    }

    private void CheckOpen()
    {
        int now = Volatile.Read(ref caller);
        if (now != Closed && now != Anyone && !Volatile.Read(ref isShared))
        {
            Share();
            now = Volatile.Read(ref caller);
        }
        if (now == Closed) throw TooLate();
    }

    private void Share()
    {
        lock (Sync)
        {
            if (isShared) return;
            Volatile.Write(ref isShared, true);
            Interlocked.MemoryBarrierProcessWide();
            if (!Volatile.Read(ref pushing)) return;
            callerHolds = true;
            turn = Taken;
        }
    }

    private bool Withdraw()
    {
        ExitFast();
        return false;
    }

    private void ExitCaller()
    {
        bool holds;
        lock (Sync) (holds, callerHolds) = (callerHolds, false);
        if (holds) Exit();
    }

    private bool TryEndShared()
    {
        Interlocked.Exchange(ref caller, Closed);    // before looking whether a push has come in before that
        return IsIdle;
    }

    private InvalidOperationException TooMany() => new(
        $"More than {MaxWaiting:N0} pushes of the node {context.Run.NameOf(context.Node)} wait, because what comes behind it is slower. "
            + $"Await every push: that is the backpressure.");

    /// <summary>Fails the run too: the item would be lost without a message if no code observes the error.</summary>
    private InvalidOperationException TooLate()
    {
        PipelineRun run = context.Run;
        run.ThrowIfStopping();
        var failure = new InvalidOperationException(
            $"The node {run.NameOf(context.Node)} pushed an item after the call that it belongs to had ended. Nothing can take it any "
                + $"more. Await every push, and all work that pushes, before the method of the node returns.");
        if (run.IsOver) Warnings.Tell(failure.Message);
        else run.Fail(failure, context.Node);
        return failure;
    }
}
