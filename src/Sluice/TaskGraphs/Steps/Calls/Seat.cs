namespace Sluice;

/// <summary>
/// The places that a call needs to run where its step or its scope has a limit. A body that awaits a future gives them back while it waits: otherwise steps that call steps could wait
/// for each other for ever.
/// </summary>
/// <remarks>
/// Locking rule: who holds the places, and who waits to go on with them, under the lock; places are taken and given, and calls released, outside of it. At most one request is under way.
/// </remarks>
internal sealed class Seat(ICall call, Places? ofStep, Places? ofScope)
{
    private readonly Lock sync = new();
    private readonly List<Hop> waiting = [];
    private bool hasStep;                            // these two: whoever requests, then whoever holds
    private bool hasScope;
    private bool isHeld;
    private bool isRequested;
    private bool hasStarted;
    private bool isOver;

    public RunScheduler Scheduler => call.Scheduler;

    /// <summary>The call is ready to run.</summary>
    public void Request(ref Released released)
    {
        isRequested = true;
        Proceed(ref released);
    }

    /// <returns>Whether it is still of use.</returns>
    public bool TryGrant(Places places, ref Released released)
    {
        bool declines;
        lock (sync) declines = isOver || (!hasStarted && !call.IsUnstarted);
        if (ReferenceEquals(places, ofStep)) hasStep = !declines;
        else hasScope = !declines;
        if (!declines)
        {
            Proceed(ref released);
            return true;
        }
        GiveAll(ref released);
        GoOn();
        return false;
    }

    /// <summary>The call has ended, or will never run.</summary>
    public void Close(ref Released released)
    {
        lock (sync)
        {
            isOver = true;
            if (!isHeld) return;
            isHeld = false;
        }
        GiveAll(ref released);
        GoOn();
    }

    /// <summary>Gives the places back for now; <see cref="Return"/> takes them again.</summary>
    public void Leave()
    {
        lock (sync)
        {
            if (!isHeld) return;
            isHeld = false;
        }
        var released = new Released(here: null);
        GiveAll(ref released);
        released.Spread();
    }

    /// <summary>The hop goes on when the places are there again.</summary>
    public void Return(Hop hop)
    {
        lock (sync)
        {
            if (!isHeld && !isOver)
            {
                waiting.Add(hop);
                if (isRequested) return;
                isRequested = true;
                hop = null!;
            }
        }
        if (hop is not null)
        {
            hop.GoOn();
            return;
        }
        var released = new Released(here: null);
        Proceed(ref released);
        released.Spread();
    }

    /// <summary>The end of a future, when the body may go on. Others have its places until then.</summary>
    public Task LeaveUntilAsync(Future future)
    {
        lock (sync)
        {
            if (isOver) return FutureEnd.Of(future);
        }
        future.MarkAwaited();
        Leave();
        var hop = new Hop(this);
        Task end = hop.AsTask();
        if (!future.TryAttach(hop)) Return(hop);
        return end;
    }

    private void Proceed(ref Released released)
    {
        if (ofStep is not null && !hasStep && !(hasStep = ofStep.TryTake(this, hasStarted))) return;
        if (ofScope is not null && !hasScope && !(hasScope = ofScope.TryTake(this, hasStarted))) return;
        bool isTooLate;
        lock (sync)
        {
            isTooLate = isOver;
            isHeld = !isOver;
            isRequested = false;
        }
        if (isTooLate) GiveAll(ref released);
        if (hasStarted) GoOn();
        else
        {
            hasStarted = true;
            released.Ready(call);
        }
    }

    private void GoOn()
    {
        Hop[] all;
        lock (sync)
        {
            if (waiting.Count == 0) return;
            all = [.. waiting];
            waiting.Clear();
        }
        foreach (Hop hop in all) hop.GoOn();
    }

    private void GiveAll(ref Released released)
    {
        bool step = hasStep, scope = hasScope;
        hasStep = hasScope = false;                  // before they are given: others may request at once
        if (scope) ofScope!.Give(ref released);
        if (step) ofStep!.Give(ref released);
    }
}
