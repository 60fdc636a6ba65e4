namespace Sluice;

/// <summary>An annotation that stands before the stage it is about: see <see cref="Stage.KeyBy"/>. Immutable.</summary>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed class KeyedLanes<T>
{
    private const int MostLanes = 1024;

    private KeyedLanes(Func<T, int> hash, Func<T, string> text, Delegate key, int lanes) => (Hash, Text, Key, Lanes) = (hash, text, key, lanes);

    internal Func<T, int> Hash { get; }

    /// <summary>The key as a text, for what is stored by key.</summary>
    internal Func<T, string> Text { get; }

    internal Delegate Key { get; }

    internal int Lanes { get; }

    internal static KeyedLanes<T> Of<TKey>(Func<T, TKey> key, int lanes)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentOutOfRangeException.ThrowIfLessThan(lanes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lanes, MostLanes);
        // The same lane in every process: a run that is repeated under its seed is the same run.
        return new(item => StableHash.Bucket(StableHash.Of(key(item)), int.MaxValue), item => KeyText.Of(key(item)), key, lanes);
    }
}
