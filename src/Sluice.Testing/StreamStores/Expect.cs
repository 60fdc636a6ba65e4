using System.Collections;

namespace Sluice.Testing;

/// <summary>Assertions that report expected and actual values in words, without a test framework.</summary>
internal static class Expect
{
    public static void Equal<T>(T expected, T actual, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
            throw new StreamStoreContractException($"{what}: expected {expected}, but it is {actual}");
    }

    public static void Same<T>(IEnumerable<T> expected, IEnumerable<T> actual, string what)
    {
        (T[] wanted, T[] got) = ([.. expected], [.. actual]);
        if (!wanted.SequenceEqual(got)) throw new StreamStoreContractException($"{what}: expected {Show(wanted)}, but it is {Show(got)}");
    }

    public static void True(bool condition, string what)
    {
        if (!condition) throw new StreamStoreContractException($"{what}: it is not so");
    }

    public static async Task<TException> ThrowsAsync<TException>(Func<Task> action, string what) where TException : Exception
    {
        try
        {
            await action();
        }
        catch (TException expected)
        {
            return expected;
        }
        catch (Exception other)
        {
            throw new StreamStoreContractException(
                $"{what}: expected a {typeof(TException).Name}, but it is a {other.GetType().Name}: {other.Message}", other);
        }
        throw new StreamStoreContractException($"{what}: expected a {typeof(TException).Name}, but nothing was thrown");
    }

    /// <summary>Awaits something that must happen, at most for a generous time.</summary>
    public static async Task SoonAsync(Task task, string what, TimeSpan? limit = null)
    {
        try
        {
            await task.WaitAsync(limit ?? TimeSpan.FromMinutes(1), TimeProvider.System);
        }
        catch (TimeoutException late)
        {
            throw new StreamStoreContractException($"{what}: it does not happen", late);
        }
    }

    /// <summary>Awaits a result that must come, at most for a generous time.</summary>
    public static async Task<T> SoonAsync<T>(Task<T> task, string what)
    {
        await SoonAsync((Task)task, what);
        return await task;
    }

    private static string Show(IEnumerable items) => $"[{string.Join(", ", items.Cast<object?>().Select(item => item ?? "null"))}]";
}
