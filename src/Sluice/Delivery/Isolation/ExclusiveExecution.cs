namespace Sluice.Delivery;

/// <summary>
/// Lets one consecutor of a process run a suspect of a crash while no other item of the process is in flight. The other consecutors then
/// lease no new items, and exclusive execution is granted when none of their items is in flight.
/// </summary>
/// <remarks>
/// <para>Thread-safe. Locking rule: everything is under <c>sync</c>; participants are woken outside of it. A consecutor that asks holds
/// no resource.</para>
/// <para>
/// Consecutors may wait for each other all the same: an item in flight in one sends to another, which rests because of a third. So if no
/// item completes within the lease duration, exclusive execution is granted anyway. If the suspect does not end within the lease
/// duration, the others go on beside it, and the next consecutor gets its turn. If another item then kills the process, the suspect is
/// charged with that crash once: the other item is a suspect next time.
/// </para>
/// <para>
/// No item waits for room in a stream whose reader rests because of this. A suspect goes on without a reserved place, and so do the items
/// in flight at that time: one suspect, and the items that were leased before.
/// </para>
/// </remarks>
[SuppressMessage("Reliability", "CA1001:Types that own disposable fields should be disposable",
    Justification = "Has no timer and no parents: there is nothing to dispose of.")]
internal sealed class ExclusiveExecution
{
    private readonly Lock sync = new();
    private readonly List<Participant> participants = [];
    private readonly List<Participant> asking = [];        // the first one has exclusive execution, or gets it next
    private volatile bool isAsked;
    private bool isGranted;
    private bool isOpen;                             // others work although it is granted
    private long? forced;                            // the ended items of others when the first one had waited for its longest
    private long seen;
    private bool isRest;                             // of all but the first one
    private CancellationTokenSource rest = new();    // cancelled when that begins
    private ITimer? waitTimer;
    private int turns;                               // the number of the present turn

    /// <summary>The instance of the process. Tests use others, to have several processes in one.</summary>
    public static ExclusiveExecution OfProcess { get; } = new();

    /// <summary>Whether a consecutor has exclusive execution, or waits for it.</summary>
    public bool IsAsked => isAsked;

    /// <summary>The part of one consecutor in it.</summary>
    public sealed class Participant(ExclusiveExecution execution, ItemsInFlight items, PumpSignal pump, TimeSpan maxWait, TimeProvider time,
        Func<bool> areRoundsOver)
    {
        private volatile bool isInside;

        public bool IsInside
        {
            get => isInside;
            set => isInside = value;
        }

        /// <summary>Whether it has left for good; under the lock.</summary>
        public bool IsGone { get; set; }

        /// <summary>The items in flight of the consecutor.</summary>
        public ItemsInFlight Items => items;

        /// <summary>Whether items are in flight, or stages act by themselves, in rounds without items. Under the lock.</summary>
        public bool IsBusy => items.Count > 0 || !areRoundsOver();

        /// <summary>Wakes the pump of the consecutor.</summary>
        public PumpSignal Pump => pump;

        /// <summary>How long it waits for others before it is granted exclusive execution anyway.</summary>
        public TimeSpan MaxWait => maxWait;

        public TimeProvider Time => time;

        /// <summary>Whether this consecutor or another one of the process waits for exclusive execution, or has it.</summary>
        public bool IsAsked => execution.isAsked;

        /// <summary>Whether new items may start, and stages may act by themselves. Called by the pump, which is woken when that
        /// changes.</summary>
        public bool MayWork() => (isInside && !execution.isAsked) || execution.MayWork(this);

        /// <summary>No new item starts for now.</summary>
        public void Rest()
        {
            if (execution.isAsked) execution.Rest(this);
        }

        /// <summary>
        /// Asks for exclusive execution, until <see cref="Withdraw"/>. Called by the pump, with no item in flight. The pump is woken
        /// when it is granted.
        /// </summary>
        public bool TryBeAlone() => execution.TryBeAlone(this);

        /// <summary>Gives exclusive execution up, so that the others go on.</summary>
        public void Withdraw()
        {
            if (execution.isAsked) execution.Withdraw(this);
        }

        /// <summary>Whether items in flight may wait for room in a stream: not if its reader may rest.</summary>
        public bool MayWaitForRoom => !execution.isAsked || execution.MayWaitForRoom(this);

        /// <summary>Cancelled when <see cref="MayWaitForRoom"/> becomes false.</summary>
        public CancellationToken RestBegins
        {
            get { lock (execution.sync) return execution.rest.Token; }
        }

        /// <summary>The consecutor has ended.</summary>
        public void Leave() => execution.Leave(this);
    }

    private bool MayWork(Participant participant)
    {
        lock (sync)
        {
            if (participant.IsGone) return false;
            // also if it has to wait: participants are woken at the end of exclusive execution
            if (!participants.Contains(participant)) participants.Add(participant);
            if (asking.Count == 0 || isOpen) return participant.IsInside = true;
        }
        Rest(participant);
        return false;
    }

    private bool MayWaitForRoom(Participant participant)
    {
        lock (sync) return asking.Count == 0 || (isOpen && asking[0] != participant);
    }

    private void Rest(Participant participant)
    {
        Participant? first;
        lock (sync)
        {
            if (!participant.IsInside || participant.IsBusy) return;
            participant.IsInside = false;
            first = asking.FirstOrDefault();
        }
        first?.Pump.Changed();
    }

    private bool TryBeAlone(Participant participant)
    {
        List<Participant> woken = [];
        CancellationTokenSource? begun;
        bool isAlone = false;
        lock (sync)
        {
            if (participant.IsGone) return false;
            participant.IsInside = false;
            if (!participants.Contains(participant)) participants.Add(participant);
            if (!asking.Contains(participant))
            {
                asking.Add(participant);
                if (asking.Count == 1) Begin(woken);
                else woken.Add(asking[0]);
            }
            if (asking[0] == participant)
            {
                if (isOpen) woken.AddRange(participants.Where(other => other.IsInside));
                isOpen = false;
                isAlone = participants.TrueForAll(other => !other.IsInside) || (forced is { } then && then == EndedOfOthers(participant));
                bool hasChanged = isGranted != isAlone;
                isGranted = isAlone;
                if (hasChanged) seen = Ended();
            }
            begun = RestBegun();
        }
        begun?.Cancel();
        foreach (Participant other in woken) other.Pump.Changed();
        return isAlone;
    }

    private void Withdraw(Participant participant)
    {
        List<Participant> woken = [];
        CancellationTokenSource? begun;
        lock (sync)
        {
            int at = asking.IndexOf(participant);
            if (at < 0) return;
            asking.RemoveAt(at);
            if (participant.IsBusy) participant.IsInside = true;
            if (at == 0)
            {
                waitTimer?.Dispose();
                if (asking.Count > 0) Begin(woken);
                else
                {
                    isAsked = isGranted = isOpen = false;
                    woken.AddRange(participants);
                }
            }
            begun = RestBegun();
        }
        begun?.Cancel();
        foreach (Participant other in woken) other.Pump.Changed();
    }

    private void Leave(Participant participant)
    {
        Withdraw(participant);
        Participant? first;
        lock (sync)
        {
            participant.IsGone = true;
            participant.IsInside = false;
            participants.Remove(participant);
            first = asking.FirstOrDefault();
        }
        first?.Pump.Changed();
    }

    /// <summary>Begins the turn of the first one. Under the lock.</summary>
    private void Begin(List<Participant> woken)
    {
        Participant first = asking[0];
        isAsked = true;
        isGranted = isOpen = false;
        forced = null;
        seen = Ended();
        int turn = ++turns;
        waitTimer = first.Time.CreateTimer(_ => ForceTurn(turn), null, first.MaxWait, first.MaxWait);
        woken.AddRange(participants.Where(participant => participant.IsInside));
        woken.Add(asking[0]);
    }

    private void ForceTurn(int turn)
    {
        List<Participant> woken = [];
        Participant? next = null;
        lock (sync)
        {
            if (asking.Count == 0 || turn != turns) return;          // a call that was queued before the timer was disposed
            long ended = Ended();
            bool hasMoved = ended != seen;
            seen = ended;
            if (hasMoved) return;
            if (isOpen)
            {
                if (asking.Count > 1) next = asking[0];
            }
            else if (isGranted)
            {
                isOpen = true;
                woken.AddRange(participants);
            }
            else
            {
                forced = EndedOfOthers(asking[0]);
                woken.Add(asking[0]);
            }
            _ = RestBegun();                         // it may have ended, but has not begun
        }
        if (next is not null) Withdraw(next);
        foreach (Participant participant in woken) participant.Pump.Changed();
    }

    /// <summary>Finds out whether the others rest now. Under the lock.</summary>
    /// <returns>The source to cancel outside of the lock, if the rest has begun; else null.</returns>
    private CancellationTokenSource? RestBegun()
    {
        bool was = isRest;
        isRest = asking.Count > 0 && !isOpen;
        if (was && !isRest) rest = new();
        return !was && isRest ? rest : null;
    }

    /// <summary>The ended items that show progress: those of the suspect's consecutor, or of all consecutors that it waits for.</summary>
    private long Ended() => isGranted ? asking[0].Items.Ended : participants.Sum(participant => participant.Items.Ended);

    private long EndedOfOthers(Participant participant)
        => participants.Where(other => other != participant).Sum(other => other.Items.Ended);
}
