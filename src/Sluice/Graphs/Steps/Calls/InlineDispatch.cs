namespace Sluice.Graphs;

/// <summary>Runs a call on a thread, then a call that its end has released, and so on. A loop, so that long chains need no stack.</summary>
internal static class InlineDispatch
{
    private const int Longest = 256;                 // then other work gets the thread

    public static void Take(ICall first)
    {
        ICall? next = first;
        for (int turn = 0; turn < Longest && next is not null; turn++) next = next.Run();
        next?.Scheduler.Schedule(next);
    }
}
