namespace Sluice;

/// <summary>What both sides of a function's execution in another process keep to.</summary>
internal static class CallLimits
{
    /// <summary>How many values of an output may be on their way.</summary>
    public const int MostValues = 512;

    /// <summary>How many bytes of an output may be on their way, before one more value.</summary>
    public const int MostBytes = 256 << 10;

    /// <summary>After how many values, or bytes, the child is told that there is room again: far less than what it may have on its way.</summary>
    public const int CreditValues = 64;
    public const int CreditBytes = 64 << 10;

    /// <summary>How many bytes of choices go in one frame.</summary>
    public const int ChoiceBytes = (256 << 10) / ChoiceReplay.Record * ChoiceReplay.Record;

    /// <summary>The longest frame: one value, and what may stand beside it.</summary>
    public static long LongestFrame(int maxValueBytes) => maxValueBytes + (2L << 20);
}
