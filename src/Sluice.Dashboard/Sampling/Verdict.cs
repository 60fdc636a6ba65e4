namespace Sluice.Dashboard.Sampling;

/// <summary>How urgent something is.</summary>
internal enum Urgency
{
    /// <summary>It works, or has nothing to do.</summary>
    Fine,

    /// <summary>It is held on purpose.</summary>
    Held,

    /// <summary>It works, and somebody should look at it.</summary>
    Warning,

    /// <summary>It does not work.</summary>
    Failing,
}

/// <summary>One sentence on what is wrong and what to do.</summary>
internal sealed record Verdict(Urgency Urgency, string Text)
{
    /// <summary>The word beside the colour, for those who see none.</summary>
    public string Word => Urgency switch
    {
        Urgency.Fine => "fine",
        Urgency.Held => "held",
        Urgency.Warning => "look",
        _ => "failing",
    };
}
