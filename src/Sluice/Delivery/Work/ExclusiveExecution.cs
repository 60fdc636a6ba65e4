using System.Diagnostics.CodeAnalysis;

namespace Sluice;

/// <summary>
/// The consecutors of a process, of which one may ask to be alone: a suspect runs with nothing else of theirs under way. The others take up nothing new then, and
/// who has asked is granted it when they have nothing under way any more.
/// </summary>
/// <remarks>
/// <para>Thread-safe. Locking rule: everything is under <c>sync</c>; guests are woken outside of it. Who asks holds nothing that others could wait for.</para>
/// <para>
/// They may wait for each other all the same: what is under way in one sends to another, which takes up nothing because of a third. So if nothing has ended anywhere for
/// the patience of who has asked, it need not wait any more; and if it is its suspect that does not end, the others go on beside it, and the next one that has asked gets its turn. If something
/// that was under way for so long kills the process then, the suspect is charged with that: once, because from then on the killer is a suspect itself.
/// </para>
/// <para>
/// Nobody waits for room in a stream whose reader rests because of this: a suspect goes on without a place, and so does what was under way when somebody has asked. That is not more than one item
/// at a time, and what was leased before.
/// </para>
/// </remarks>
[SuppressMessage("Reliability", "CA1001:Types that own disposable fields should be disposable", Justification = "Has no timer and no parents: there is nothing to dispose of.")]
internal sealed class ExclusiveExecution
{
    private readonly Lock sync = new();
    private readonly List<Guest> guests = [];
    private readonly List<Guest> asking = [];        // the first one is granted it, or will be
    private volatile bool isAsked;
    private bool isGranted;
    private bool isOpen;                             // although it is granted
    private long? forced;                            // what had ended of others when the first one had no patience any more
    private long seen;
    private bool isRest;                             // of all but the first one
    private CancellationTokenSource rest = new();    // cancelled when that begins
    private ITimer? patience;

    /// <summary>Of all consecutors that were not told otherwise: tests have several processes in one.</summary>
    public static ExclusiveExecution OfProcess { get; } = new();

    /// <summary>Whether somebody is alone, or waits to be.</summary>
    public bool IsAsked => isAsked;

    /// <summary>A consecutor among the others.</summary>
    public sealed class Guest(ExclusiveExecution house, ConsecutorCore core)
    {
        private volatile bool isInside;

        public bool IsInside
        {
            get => isInside;
            set => isInside = value;
        }

        /// <summary>Whether it has left, which it does once; under the lock.</summary>
        public bool IsGone { get; set; }

        public ConsecutorCore Core => core;

        /// <summary>Whether something new may be taken up. The pump's; when that changes, it is woken.</summary>
        public bool MayWork() => (isInside && !house.isAsked) || house.MayWork(this);

        /// <summary>Nothing new is taken up for now.</summary>
        public void Rest()
        {
            if (house.isAsked) house.Rest(this);
        }

        /// <summary>Asks to be alone, until withdrawn. The pump's; nothing is under way here. When it is granted later, the pump is woken.</summary>
        public bool TryBeAlone() => house.TryBeAlone(this);

        /// <summary>The others may go on.</summary>
        public void Withdraw()
        {
            if (house.isAsked) house.Withdraw(this);
        }

        /// <summary>Whether what is under way may wait until a stream has room: not if its reader may be one of those who rest.</summary>
        public bool MayWaitForRoom => !house.isAsked || house.MayWaitForRoom(this);

        /// <summary>Cancelled when that is no longer so.</summary>
        public CancellationToken RestBegins
        {
            get { lock (house.sync) return house.rest.Token; }
        }

        /// <summary>It has ended.</summary>
        public void Leave() => house.Leave(this);
    }

    private bool MayWork(Guest guest)
    {
        lock (sync)
        {
            if (guest.IsGone) return false;
            if (!guests.Contains(guest)) guests.Add(guest);          // also if it has to wait: guests are woken when nobody is alone any more
            if (asking.Count == 0 || isOpen) return guest.IsInside = true;
        }
        Rest(guest);
        return false;
    }

    private bool MayWaitForRoom(Guest guest)
    {
        lock (sync) return asking.Count == 0 || (isOpen && asking[0] != guest);
    }

    private void Rest(Guest guest)
    {
        Guest? first;
        lock (sync)
        {
            if (!guest.IsInside || guest.Core.InFlight > 0) return;
            guest.IsInside = false;
            first = asking.FirstOrDefault();
        }
        first?.Core.Changed();
    }

    private bool TryBeAlone(Guest guest)
    {
        List<Guest> woken = [];
        CancellationTokenSource? begun;
        bool isAlone = false;
        lock (sync)
        {
            if (guest.IsGone) return false;
            guest.IsInside = false;
            if (!guests.Contains(guest)) guests.Add(guest);
            if (!asking.Contains(guest))
            {
                asking.Add(guest);
                if (asking.Count == 1) Begin(woken);
                else woken.Add(asking[0]);
            }
            if (asking[0] == guest)
            {
                if (isOpen) woken.AddRange(guests.Where(other => other.IsInside));
                isOpen = false;
                isAlone = guests.TrueForAll(other => !other.IsInside) || (forced is { } then && then == EndedOfOthers(guest));
                bool hasChanged = isGranted != isAlone;
                isGranted = isAlone;
                if (hasChanged) seen = Ended();
            }
            begun = RestBegun();
        }
        begun?.Cancel();
        foreach (Guest other in woken) other.Core.Changed();
        return isAlone;
    }

    private void Withdraw(Guest guest)
    {
        List<Guest> woken = [];
        CancellationTokenSource? begun;
        lock (sync)
        {
            int at = asking.IndexOf(guest);
            if (at < 0) return;
            asking.RemoveAt(at);
            if (guest.Core.InFlight > 0) guest.IsInside = true;
            if (at == 0)
            {
                patience?.Dispose();
                if (asking.Count > 0) Begin(woken);
                else
                {
                    isAsked = isGranted = isOpen = false;
                    woken.AddRange(guests);
                }
            }
            begun = RestBegun();
        }
        begun?.Cancel();
        foreach (Guest other in woken) other.Core.Changed();
    }

    private void Leave(Guest guest)
    {
        Withdraw(guest);
        Guest? first;
        lock (sync)
        {
            guest.IsGone = true;
            guest.IsInside = false;
            guests.Remove(guest);
            first = asking.FirstOrDefault();
        }
        first?.Core.Changed();
    }

    /// <summary>It is the first one's turn. Under the lock.</summary>
    private void Begin(List<Guest> woken)
    {
        ConsecutorCore first = asking[0].Core;
        isAsked = true;
        isGranted = isOpen = false;
        forced = null;
        seen = Ended();
        patience = first.Time.CreateTimer(static house => ((ExclusiveExecution)house!).LosePatience(), this, first.Options.LeaseDuration, first.Options.LeaseDuration);
        woken.AddRange(guests.Where(guest => guest.IsInside));
        woken.Add(asking[0]);
    }

    private void LosePatience()
    {
        List<Guest> woken = [];
        Guest? next = null;
        lock (sync)
        {
            if (asking.Count == 0) return;
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
                woken.AddRange(guests);
            }
            else
            {
                forced = EndedOfOthers(asking[0]);
                woken.Add(asking[0]);
            }
            _ = RestBegun();                         // it may have ended, but has not begun
        }
        if (next is not null) Withdraw(next);
        foreach (Guest guest in woken) guest.Core.Changed();
    }

    /// <summary>Looks whether it is time to rest. Under the lock.</summary>
    /// <returns>What is to be cancelled outside of the lock, if that has begun.</returns>
    private CancellationTokenSource? RestBegun()
    {
        bool was = isRest;
        isRest = asking.Count > 0 && !isOpen;
        if (was && !isRest) rest = new();
        return !was && isRest ? rest : null;
    }

    /// <summary>What tells whether there is progress: what has ended of the suspect's, or of all that it waits for.</summary>
    private long Ended() => isGranted ? asking[0].Core.EndedRoots : guests.Sum(guest => guest.Core.EndedRoots);

    private long EndedOfOthers(Guest guest) => guests.Where(other => other != guest).Sum(other => other.Core.EndedRoots);
}
