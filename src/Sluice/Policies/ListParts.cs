namespace Sluice.Policies;

/// <summary>The types of lists that can be split.</summary>
internal static class ListParts
{
    /// <summary>
    /// Whether a type is an array, <c>List&lt;T&gt;</c>, <c>IReadOnlyList&lt;T&gt;</c> or <c>IList&lt;T&gt;</c>; in an AOT program, an
    /// array.
    /// </summary>
    public static bool Fit(Type list) => list.IsSZArray
        || (RuntimeFeature.IsDynamicCodeSupported && list.IsGenericType && list.GetGenericTypeDefinition() is var definition
            && (definition == typeof(List<>) || definition == typeof(IReadOnlyList<>) || definition == typeof(IList<>)));
}

/// <summary>Takes parts out of lists whose type <see cref="ListParts.Fit"/> accepts.</summary>
internal abstract class ListParts<TList>
{
    /// <summary>The instance for the type; null if the type does not fit.</summary>
    public static ListParts<TList>? Default { get; } = Make();

    /// <summary>Returns the number of items; 1, which cannot be divided, if the code of the list fails.</summary>
    public int Count(TList list)
    {
        try
        {
            return CountOf(list);
        }
        catch (Exception)
        {
            return 1;
        }
    }

    /// <summary>Makes two lists of the same type out of one.</summary>
    /// <param name="list">The list.</param>
    /// <param name="count">The number of its items.</param>
    /// <param name="atFirst">The number of items of the first half.</param>
    /// <param name="halves">The halves.</param>
    /// <returns>False if the code of the list fails: then the list cannot be divided.</returns>
    public bool TryDivide(TList list, int count, int atFirst, out (TList First, TList Second) halves)
    {
        halves = default;
        try
        {
            halves = (Take(list, 0, atFirst), Take(list, atFirst, count - atFirst));
            return true;
        }
        catch (Exception)
        {
            return false;
        }
    }

    protected abstract int CountOf(TList list);

    /// <summary>Returns a new list of the same type with some of the items.</summary>
    protected abstract TList Take(TList list, int start, int count);

    private static ListParts<TList>? Make()
    {
        Type type = typeof(TList);
        if (type.IsSZArray) return new ArrayParts<TList>();
        if (!RuntimeFeature.IsDynamicCodeSupported || !ListParts.Fit(type)) return null;
        return (ListParts<TList>?)Activator.CreateInstance(typeof(ItemParts<,>).MakeGenericType(type, type.GetGenericArguments()[0]));
    }
}

internal sealed class ArrayParts<TArray> : ListParts<TArray>
{
    protected override int CountOf(TArray list) => list is Array array ? array.Length : 0;

    protected override TArray Take(TArray list, int start, int count)
    {
        var part = Array.CreateInstanceFromArrayType(typeof(TArray), count);
        Array.Copy((Array)(object)list!, start, part, 0, count);
        return (TArray)(object)part;
    }
}

internal sealed class ItemParts<TList, T> : ListParts<TList> where TList : IEnumerable<T>
{
    protected override int CountOf(TList list) => list?.Count() ?? 0;

    protected override TList Take(TList list, int start, int count)
    {
        IEnumerable<T> part = list.Skip(start).Take(count);
        return (TList)(object)(typeof(TList) == typeof(List<T>) ? part.ToList() : part.ToArray());
    }
}
