using Sluice.Policies;

namespace Sluice;

/// <summary>An annotation that stands before its stage and runs the stage in lanes by key; see <see cref="Stage.KeyBy"/>.
/// Immutable.</summary>
/// <typeparam name="T">The type of the items.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class KeyedLanes<T>
{
    private const int MaxLanes = 1024;

    private protected KeyedLanes(Func<T, int> hash, Func<T, string> text, Delegate key, int lanes)
        => (Hash, Text, Key, Lanes) = (hash, text, key, lanes);

    internal Func<T, int> Hash { get; }

    /// <summary>The key as text, for state that is stored by key.</summary>
    internal Func<T, string> Text { get; }

    /// <summary>The hash of the text of a key. It differs from <see cref="Hash"/>, which hashes the key itself.</summary>
    internal static int HashOf(string key) => StableHash.Bucket(StableHash.Of(key), int.MaxValue);

    /// <summary>The reason why keys have no text; null if they have one.</summary>
    internal abstract string? WhyNoText { get; }

    internal Delegate Key { get; }

    internal int Lanes { get; }

    /// <summary>Makes a stage with an instance for each key.</summary>
    internal abstract Inlet<T> ByKey<TOut>(StageContext context, Inlet<TOut> next, Func<StageContext, Inlet<TOut>, Inlet<T>> instance,
        bool isTimed);

    internal static KeyedLanes<T> Of<TKey>(Func<T, TKey> key, int lanes, int maxKeys)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxKeys, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(lanes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lanes, MaxLanes);
        // A stable hash: a key has the same lane in every process, so a run that is repeated with its seed is the same run.
        return new KeyedLanes<T, TKey>(item => StableHash.Bucket(StableHash.Of(key(item)), int.MaxValue), item => KeyText.Of(key(item)),
            key, lanes, maxKeys);
    }
}

/// <summary>Lanes by key, with the type of the key.</summary>
internal sealed class KeyedLanes<T, TKey>(Func<T, int> hash, Func<T, string> text, Func<T, TKey> key, int lanes, int maxKeys)
    : KeyedLanes<T>(hash, text, key, lanes)
{
    internal override string? WhyNoText => KeyText.Why(typeof(TKey));

    internal override Inlet<T> ByKey<TOut>(StageContext context, Inlet<TOut> next, Func<StageContext, Inlet<TOut>, Inlet<T>> instance,
        bool isTimed)
        => new KeyedStage<TKey, T, TOut>(context, next, key, maxKeys, instance, isTimed);
}
