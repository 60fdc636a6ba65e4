namespace Sluice;

/// <summary>What a thread does in one go: a call, then one of those that its end has released, and so on. A loop, so that chains of any length need no stack.</summary>
internal static class InlineDispatch
{
    private const int Longest = 256;                 // then others may have the thread

    public static void Take(ICall first)
    {
        ICall? next = first;
        for (int turn = 0; turn < Longest && next is not null; turn++) next = next.Run();
        next?.Scheduler.Schedule(next);
    }
}
