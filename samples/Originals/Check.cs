namespace Originals;

/// <summary>Compares what an example puts out with what the original prints.</summary>
internal static class Check
{
    public static void Equal<T>(T expected, T actual, string what = "the result")
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual)) throw new MismatchException($"{what} is {actual}, not {expected}");
    }

    /// <summary>Line by line, so that the message shows the first line that differs.</summary>
    public static void Lines(string expected, IEnumerable<string> actual)
    {
        string[] wanted = expected.Split('\n'), got = [.. actual.Select(line => line.TrimEnd())];
        for (int i = 0; i < Math.Max(wanted.Length, got.Length); i++)
        {
            string want = i < wanted.Length ? wanted[i].TrimEnd() : "(nothing)", has = i < got.Length ? got[i] : "(nothing)";
            if (want != has) throw new MismatchException($"line {i + 1} is \"{has}\", not \"{want}\"");
        }
    }

    public static void Sequence<T>(IEnumerable<T> expected, IEnumerable<T> actual, string what = "the result")
        => Equal(string.Join(", ", expected), string.Join(", ", actual), what);

    public static async Task<TException> ThrowsAsync<TException>(Func<Task> work, string part) where TException : Exception
    {
        try
        {
            await work();
        }
        catch (TException e) when (e.Message.Contains(part, StringComparison.Ordinal))
        {
            return e;
        }
        throw new MismatchException($"no {typeof(TException).Name} was thrown");
    }
}

/// <summary>An example puts out something else than the original.</summary>
internal sealed class MismatchException(string message) : Exception(message);
