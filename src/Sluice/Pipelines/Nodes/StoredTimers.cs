namespace Sluice.Pipelines;

/// <summary>The timers of one node in one partition of a consecutor: part of its state.</summary>
/// <remarks>Each key with timers has a row with all of them, read and evicted together with the state of the key, and a row by time. The
/// first rows by time are in memory, up to a horizon; later rows are read when the first ones have fired. Locking rule: the stage uses it
/// inside its gate, and the driver of the partition uses it between epochs.</remarks>
internal sealed class StoredTimers(StateScope scope, ITimerStage stage) : ITimerRows, INodeTimers
{
    private const int MaxTimersOfKey = 1000;
    private const int MaxInMemory = 1024;           // rows by time
    private const int LeftInMemory = 512;

    private readonly StateCells<TimersOfKey> cells = new(new TimersForm(), scope.Memory);
    private readonly SortedDictionary<TimerMoment, string> ahead = [];
    // keys whose row by time is another one than is stored
    private readonly Dictionary<string, (TimersOfKey Timers, TimerMoment? Stored)> moved = new(StringComparer.Ordinal);
    private TimerMoment? horizon = default(TimerMoment);     // rows behind it are in the store only; null if there are none

    public IKeyedStateful ByKey => cells;

    public int Changes => cells.Changes + (2 * moved.Count);

    public bool MustRead => horizon is not null && ahead.Count == 0;

    public string? ReadAfter => horizon is { Number: > 0 } last ? last.ToKey() : null;

    public long? NextAt => ahead.Count > 0 ? First.Key.At : horizon?.At;

    private KeyValuePair<TimerMoment, string> First => ahead.First();

    /// <summary>Whether the timers of a key are in memory.</summary>
    public bool IsHere(string key) => cells.Find(key) is not null;

    public async ValueTask ReadAsync(string key) => await cells.ReadAsync(key);

    public void Read(StateReader page)
    {
        foreach (string row in page.Keys)
        {
            TimerMoment moment = TimerMoment.OfKey(row);
            horizon = moment;
            string key = RowText.OfBytes(page.Stored(row).Bytes.Span);
            if (stage.Owns(key)) ahead[moment] = key;
        }
        if (page.IsComplete) horizon = null;
    }

    public void SaveTimes(StateWriter changes)
    {
        foreach (var (key, (timers, stored)) in moved)
        {
            if (timers.Row == stored) continue;
            if (stored is { } before) changes.Delete(before.ToKey());
            if (timers.Row is { } now) changes.PutBytes(now.ToKey(), RowText.ToBytes(key));
        }
        moved.Clear();
        if (ahead.Count <= MaxInMemory) return;
        foreach (TimerMoment later in ahead.Keys.Skip(LeftInMemory).ToArray()) ahead.Remove(later);
        horizon = ahead.Last().Key;
    }

    public IEnumerable<string> KeysDue(long until) => ahead.TakeWhile(row => row.Key.At <= until).Select(static row => row.Value);

    public void Act(TimerTurn turn, Ticket hold) => stage.Act(this, turn, hold);

    public void Set(string key, string name, TimeSpan after)
    {
        if (UnfitName(name) is { } why) throw new ArgumentException(why, nameof(name));
        StateCells<TimersOfKey>.Cell cell = cells.Find(key)!;
        TimersOfKey timers = cell.Value;
        int at = timers.IndexOf(name);
        if (at >= 0) timers.Timers.RemoveAt(at);
        else if (timers.Timers.Count == MaxTimersOfKey)
            throw new InvalidOperationException(
                $"The key '{ItemText.Of(key)}' has {MaxTimersOfKey:N0} timers, as many as a key may have in a consecutor: they are one "
                    + $"row. Give each thing that is waited for a key of its own.");
        timers.Timers.Add(new(name, new(scope.UtcNow.UtcTicks + after.Ticks, scope.NextNumber())));
        Change(cell);
    }

    public bool Cancel(string key, string name)
    {
        StateCells<TimersOfKey>.Cell cell = cells.Find(key)!;
        int at = cell.Value.IndexOf(name);
        if (at < 0) return false;
        cell.Value.Timers.RemoveAt(at);
        Change(cell);
        return true;
    }

    public bool IsSet(string key, string name) => cells.Find(key)!.Value.IndexOf(name) >= 0;

    public TimeSpan? WaitOf(string key, string name)
    {
        TimersOfKey timers = cells.Find(key)!.Value;
        return timers.IndexOf(name) is >= 0 and var at ? new(timers.Timers[at].Moment.At - scope.UtcNow.UtcTicks) : null;
    }

    public void Remove(string key)
    {
        if (cells.Find(key) is not { Value.Timers.Count: > 0 } cell) return;
        cell.Value.Timers.Clear();
        Change(cell);
    }

    /// <summary>Takes the next timer that fires in this turn; null if there is none.</summary>
    public async ValueTask<(string Key, string Timer)?> TakeAsync(TimerTurn turn, List<(TimerMoment, string)> later)
    {
        while (ahead.Count > 0)
        {
            (TimerMoment moment, string key) = First;
            if (moment.At > turn.Until) return null;
            StateCells<TimersOfKey>.Cell cell = cells.Find(key) ?? await cells.ReadAsync(key);
            if (cell.Value.First is not { } timer || cell.Value.Row != moment)
                throw new InvalidOperationException(
                    $"The timers of the key '{ItemText.Of(key)}' do not fit to the time under which they are stored.");
            if (timer.Moment != moment)
            {
                if (!turn.TryMove()) return null;
                Move(key, cell, timer.Moment);       // it was moved on
            }
            else if (timer.Moment.Number > turn.LastNumber)
            {
                ahead.Remove(moment);
                later.Add((moment, key));
            }
            else
            {
                if (!turn.TryTake()) return null;
                cell.Value.Timers.RemoveAt(cell.Value.IndexOf(timer.Name));
                Change(cell, isFired: true);
                return (key, timer.Name);
            }
        }
        if (MustRead && horizon!.Value.At <= turn.Until) turn.TellMore();
        return null;
    }

    /// <summary>The turn is over: what was set in it may fire in another one.</summary>
    public void EndTurn(List<(TimerMoment Moment, string Key)> later)
    {
        foreach (var (moment, key) in later)
            if (cells.Find(key)?.Value.Row == moment) ahead[moment] = key;
    }

    // The row by time may stay where it is if the first timer fires later.
    private void Change(StateCells<TimersOfKey>.Cell cell, bool isFired = false)
    {
        TimersOfKey timers = cell.Value;
        TimerMoment? first = timers.First?.Moment;
        if (first is null || timers.Row is not { } row || isFired || first.Value.CompareTo(row) < 0) Move(cell.Key, cell, first);
        cell.IsRemoved = first is null;
        cells.Change(cell);
    }

    private void Move(string key, StateCells<TimersOfKey>.Cell cell, TimerMoment? to)
    {
        TimersOfKey timers = cell.Value;
        if (timers.Row is { } from) ahead.Remove(from);
        if (!moved.ContainsKey(key)) moved.Add(key, (timers, timers.Row));
        timers.Row = to;
        if (to is { } moment && (horizon is not { } last || moment.CompareTo(last) <= 0)) ahead[moment] = key;
        cells.Change(cell);
    }

    private static string? UnfitName(string name)
    {
        const int MaxLength = 1000;
        if (name.Length > MaxLength)
            return $"The name of a timer has {MaxLength:N0} characters at most in a consecutor; this one has {name.Length:N0}.";
        return StateKeys.Why(name) is { } why ? $"The name of a timer is stored in a consecutor, as a key is. {why}" : null;
    }
}

/// <summary>The stage that a node with stored timers belongs to.</summary>
internal interface ITimerStage
{
    /// <summary>Whether the timers of a key fire in this lane.</summary>
    bool Owns(string key);

    /// <summary>Fires the timers of a partition that are due.</summary>
    void Act(StoredTimers timers, TimerTurn turn, Ticket hold);
}

/// <summary>The timers of a node by key.</summary>
internal interface INodeTimers
{
    void Set(string key, string name, TimeSpan after);

    bool Cancel(string key, string name);

    bool IsSet(string key, string name);

    /// <summary>The time until a timer fires; null if it is not set.</summary>
    TimeSpan? WaitOf(string key, string name);
}
