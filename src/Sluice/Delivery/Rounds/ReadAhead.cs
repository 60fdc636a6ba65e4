namespace Sluice.Delivery;

/// <summary>Reads the state that the items of a round need, before the first of them goes through: with one call of the store for each node
/// instead of one for each key.</summary>
/// <remarks>
/// The key of an item is the key of its acceptance. For a node behind <see cref="Stage.KeyBy"/> the key is guessed: its key function is
/// called with the accepted item. If the function takes another type, the key of the acceptance is used. After a wrong guess, the node
/// reads the row when the item comes. After too many wrong guesses, no key is guessed any more for that node and partition. Used by the
/// pump.
/// </remarks>
internal sealed class ReadAhead<T>(
    ConsecutorIdentity consecutor, IPayloadSerializer<T> serializer, Func<T, string?>? keyOf, CancellationToken stopping)
{
    private const int MaxWrongGuesses = 8;

    private readonly Dictionary<IStatefulStage, int> wrong = [];
    private readonly HashSet<string> keys = new(StringComparer.Ordinal);
    private (T Value, string? Key, bool IsKnown)[] items = [];
    private int count;

    /// <exception cref="StreamStoreException">The store does not answer.</exception>
    /// <exception cref="InvalidOperationException">A state cannot be read by this code.</exception>
    public ValueTask ReadAsync(Round round, PartitionScope scope)
    {
        if (round.Items.Count == 0) return default;
        if (items.Length < round.Items.Count) items = new (T, string?, bool)[round.Items.Count];
        count = round.Items.Count;
        for (int i = 0; i < count; i++) Read(round, i);
        return scope.ReadAheadAsync(KeysOf, stopping);

        IReadOnlyCollection<string>? KeysOf(IStatefulStage stage, bool mayGuess)
        {
            if (stage is not IKeyedStage keyed || (keyed.KeyOf is not null && !mayGuess)) return null;
            keys.Clear();
            for (int i = 0; i < count; i++)
                if (KeyFor(stage, keyed.KeyOf, i, round.Items[i]) is { } key) keys.Add(key);
            return keys;
        }
    }

    /// <summary>Returns an item that was read; false if it was not read, or could not be.</summary>
    /// <param name="number">The number of the item in the round.</param>
    /// <param name="value">The item.</param>
    /// <param name="key">Its key.</param>
    public bool TryGet(int number, [MaybeNullWhen(false)] out T value, out string? key)
    {
        if (number >= count)
        {
            (value, key) = (default, null);
            return false;
        }
        (value, key, bool isKnown) = items[number];
        return isKnown;
    }

    /// <summary>Forgets the items of the round.</summary>
    public void Clear()
    {
        Array.Clear(items, 0, count);
        count = 0;
    }

    private void Read(Round round, int number)
    {
        items[number] = default;
        if (round.Items[number] is not { Verdict: null, Headers: { EndOf: null, Node: null, Loss: null } } item) return;
        try
        {
            T value = serializer.Read(item.Entry, consecutor.Name, round.Partition.Number);
            items[number] = (value, keyOf?.Invoke(value), true);
        }
        catch (Exception)
        {
            // The item is read again in its turn, and fails then.
        }
    }

    private string? KeyFor(IStatefulStage stage, Delegate? ofStage, int number, RoundItem item)
    {
        (T value, string? key, bool isKnown) = items[number];
        if (ofStage is null) return isKnown ? key ?? item.Headers.Key ?? "" : item is { Verdict: null, Headers.Node: not null }
            ? item.Headers.Key ?? "" : null;
        if (!isKnown) return null;
        if (ofStage is not Func<T, string> keyOfStage) return key ?? item.Headers.Key;
        int failures = wrong.GetValueOrDefault(stage);
        if (failures >= MaxWrongGuesses) return null;
        try
        {
            return keyOfStage(value);
        }
        catch (Exception)
        {
            wrong[stage] = failures + 1;             // the item may never come there
            return null;
        }
    }
}
