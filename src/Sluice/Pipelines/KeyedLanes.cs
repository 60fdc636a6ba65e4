namespace Sluice;

/// <summary>An annotation that stands before the stage it is about: see <see cref="Stage.KeyBy"/>. Immutable.</summary>
/// <typeparam name="T">The type of the items.</typeparam>
public abstract class KeyedLanes<T>
{
    private const int MaxLanes = 1024;

    private protected KeyedLanes(Func<T, int> hash, Func<T, string> text, Delegate key, int lanes) => (Hash, Text, Key, Lanes) = (hash, text, key, lanes);

    internal Func<T, int> Hash { get; }

    /// <summary>The key as a text, for what is stored by key.</summary>
    internal Func<T, string> Text { get; }

    /// <summary>The hash of a key as a text: of another one than <see cref="Hash"/>, which is that of the key itself.</summary>
    internal static int HashOf(string key) => StableHash.Bucket(StableHash.Of(key), int.MaxValue);

    internal Delegate Key { get; }

    internal int Lanes { get; }

    /// <summary>A stage with an instance for each key.</summary>
    internal abstract Inlet<T> ByKey<TOut>(StageContext context, Inlet<TOut> next, Func<StageContext, Inlet<TOut>, Inlet<T>> instance, bool isTimed);

    internal static KeyedLanes<T> Of<TKey>(Func<T, TKey> key, int lanes, int maxKeys)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxKeys, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(lanes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lanes, MaxLanes);
        // The same lane in every process: a run that is repeated under its seed is the same run.
        return new KeyedLanes<T, TKey>(item => StableHash.Bucket(StableHash.Of(key(item)), int.MaxValue), item => KeyText.Of(key(item)), key, lanes, maxKeys);
    }
}

/// <summary>The same with the type of the key.</summary>
internal sealed class KeyedLanes<T, TKey>(Func<T, int> hash, Func<T, string> text, Func<T, TKey> key, int lanes, int maxKeys) : KeyedLanes<T>(hash, text, key, lanes)
{
    internal override Inlet<T> ByKey<TOut>(StageContext context, Inlet<TOut> next, Func<StageContext, Inlet<TOut>, Inlet<T>> instance, bool isTimed)
        => new KeyedStage<TKey, T, TOut>(context, next, key, maxKeys, instance, isTimed);
}
