namespace Sluice.Programs;

/// <summary>What may happen in a handler.</summary>
internal static class Faults
{
    private const int Longest = 200 << 20;

    public static void Meet(string what, int item)
    {
        if (item != 4) return;
        switch (what)
        {
            case "throw":                            // on a thread of its own, where nobody can catch it
                var thread = new Thread(() => throw new InvalidOperationException("nobody catches this"));
                thread.Start();
                thread.Join();
                break;
            case "memory":                           // of which the process has less than that
                GC.KeepAlive(new byte[Longest]);
                break;
            case "exit":
                Environment.Exit(3);
                break;
        }
    }
}
