namespace Sluice.Delivery;

/// <summary>Numbers the consecutors of one name in this process that send under the default member's name. So their producers have
/// different names. A store takes a second producer of a name for the first one, started again.</summary>
/// <remarks>Thread-safe. Numbers are reused, so that stores keep few producer names.</remarks>
internal static class SenderNumbers
{
    private static readonly Dictionary<string, SortedSet<int>> Used = new(StringComparer.Ordinal);

    /// <summary>Returns the smallest free number, from 1.</summary>
    public static int Rent(string consecutor)
    {
        lock (Used)
        {
            if (!Used.TryGetValue(consecutor, out SortedSet<int>? numbers)) Used.Add(consecutor, numbers = []);
            int free = 1;
            while (!numbers.Add(free)) free++;
            return free;
        }
    }

    public static void Return(string consecutor, int number)
    {
        lock (Used)
        {
            if (Used.TryGetValue(consecutor, out SortedSet<int>? numbers) && numbers.Remove(number) && numbers.Count == 0)
                Used.Remove(consecutor);
        }
    }
}
