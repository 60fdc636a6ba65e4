namespace Sluice.Generators;

/// <summary>The rules about methods that cannot be steps; their messages say what to do instead.</summary>
internal static class StepRules
{
    public static readonly DiagnosticDescriptor NotPartial = Rules.Error("SLU010", "A step in a type that is not partial",
        "The twin of '{0}' has to be added to '{1}', which is not partial; write 'partial' before '{2} {1}'",
        "[Step] writes a second half of the type, and of the types around it.");

    public static readonly DiagnosticDescriptor NoName = Rules.Error("SLU011", "A step without a name",
        "'{0}' has no suffix 'Async' to drop, and a twin of the same name would be hidden by it; name the twin: [Step(\"Name\")]",
        "The twin has the method's name without Async, or the name in the attribute.");

    public static readonly DiagnosticDescriptor BadName = Rules.Error("SLU012", "A step whose name cannot be used",
        "The twin of '{0}' cannot be called '{1}': {2}; choose another name: [Step(\"Name\")]",
        "The twin is a member like others: its name must be a C# name that no other member has.");

    public static readonly DiagnosticDescriptor BadParameter = Rules.Error("SLU013", "A step with a parameter that cannot wait",
        "The parameter '{0}' of '{1}' cannot be an argument of a step: {2}",
        "An argument is kept until the step runs, so it must be an ordinary value.");

    public static readonly DiagnosticDescriptor BadResult = Rules.Error("SLU014", "A step with a result that cannot be kept",
        "The result of '{0}' cannot be the value of a future: {1}",
        "A result is kept as long as somebody may ask for it, and the end of a step must be known.");

    public static readonly DiagnosticDescriptor NoStep = Rules.Error("SLU015", "A function that cannot be a step",
        "'{0}' cannot have a twin: {1}; use Step.Of at the place of the call",
        "[Step] is for methods of classes, structs and interfaces.");

    public static readonly DiagnosticDescriptor TokenNotLast = Rules.Error("SLU016", "A step whose token is not the last parameter",
        "'{0}' takes a CancellationToken that is not its last parameter; a step gives its own token to the last one, so move '{1}' to the "
            + "end",
        "The token is given by the call of the step, not by the caller.");

    public static readonly DiagnosticDescriptor BadOption = Rules.Error("SLU017", "A step with an option that is out of range",
        "The option {0} of '{1}' is {2}; it must be zero or more",
        "Options of [Step] are counts and times: 0 turns them off.");

    public static readonly DiagnosticDescriptor CallerInfo = Rules.Error("SLU018", "A step with a parameter that the compiler fills in",
        "The parameter '{0}' of '{1}' is filled in by the compiler where '{1}' is called ([{2}]), and a step is called by the library; "
            + "take the attribute off, and pass the value",
        "A step would never see the place where its twin is called: the parameter would silently have its default.");
}
