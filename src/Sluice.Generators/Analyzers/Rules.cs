namespace Sluice.Generators;

/// <summary>All rules. The analyzer that finds a violation writes the message.</summary>
internal static class Rules
{
    public static readonly DiagnosticDescriptor Misfit = Error("SLU001", "No stage fits here",
        "A stage takes items of the type that the stage before it puts out.");

    public static readonly DiagnosticDescriptor ForgottenAwait = Warning("SLU002", "A task is not awaited",
        "Work that a stage starts without awaiting it is outside the pipeline: its item completes too early, its failure is lost.");

    public static readonly DiagnosticDescriptor NullItem = Warning("SLU003", "A map that may return null",
        "Null is a value like any other to a pipeline: a stage that returns it for 'nothing' hands that nothing to the next stage.");

    public static readonly DiagnosticDescriptor UnmeantBool = Warning("SLU004", "A bool by accident",
        "The functions of a stage are read by what they return: one that returns a bool maps every item to that bool.");

    public static readonly DiagnosticDescriptor UnawaitedRun = Warning("SLU005", "A run is not awaited",
        "A run goes on after Start returns. Its end and its failure are seen by awaiting Completion, draining or disposing it.");

    public static readonly DiagnosticDescriptor BracketPlace = Error("SLU006", "Brackets behind a chain without parentheses",
        "The bracket form is source < [branch, branch] > function.");

    public static readonly DiagnosticDescriptor LambdaMisfit = Error("SLU007", "A lambda that fits no stage",
        "The operator takes functions of many kinds, so an error inside a lambda only shows as an operator that cannot be applied.");

    public static readonly DiagnosticDescriptor BracketMisfit = Error("SLU008", "Brackets that fit nowhere",
        "In brackets stand ends, or branches that put out one type, and beside them at most one router.");

    public static readonly DiagnosticDescriptor DroppedPush = Warning("SLU009", "A push or a write is not awaited",
        "PushAsync and WriteAsync complete when there is room behind the node or the processor. Each is awaited before the next one.");

    public static readonly DiagnosticDescriptor NotPartial = Error("SLU010", "A step in a type that is not partial",
        "[Step] writes a second half of the type, and of the types around it.");

    public static readonly DiagnosticDescriptor NoName = Error("SLU011", "A step without a name",
        "The twin has the method's name without Async, or the name in the attribute.");

    public static readonly DiagnosticDescriptor BadName = Error("SLU012", "A step whose name cannot be used",
        "The twin is a member like others: its name must be a C# name that no other member has.");

    public static readonly DiagnosticDescriptor BadParameter = Error("SLU013", "A step with a parameter that cannot wait",
        "An argument is kept until the step runs, so it must be an ordinary value.");

    public static readonly DiagnosticDescriptor BadResult = Error("SLU014", "A step with a result that cannot be kept",
        "A scope keeps the result of a step as long as the program may ask for it, so the scope must know when the step has ended.");

    public static readonly DiagnosticDescriptor NoStep = Error("SLU015", "A function that cannot be a step",
        "[Step] is for methods of classes, structs and interfaces.");

    public static readonly DiagnosticDescriptor TokenNotLast = Error("SLU016", "A step whose token is not the last parameter",
        "The token is given by the call of the step, not by the caller.");

    public static readonly DiagnosticDescriptor BadOption = Error("SLU017", "A step with an option that is out of range",
        "Options of [Step] are counts and times: 0 turns them off.");

    public static readonly DiagnosticDescriptor CallerInfo = Error("SLU018", "A step with a parameter that the compiler fills in",
        "A step would never see the place where its twin is called: the parameter would silently have its default.");

    public static readonly DiagnosticDescriptor NoSource = Error("SLU020", "A chain that begins with no source",
        "A chain of stages begins with a source, or with Pipe.Of.");

    public static readonly DiagnosticDescriptor OperatorName = Error("SLU021", "An operator that is written like a function",
        "Operators are methods of sources and pipes; those that C# can infer are also static methods of Pipe.");

    public static readonly DiagnosticDescriptor ErrorPolicy = Error("SLU022", "A policy without the name of its type",
        "Values of an enum are written with the name of the enum.");

    public static readonly DiagnosticDescriptor GraphMisfit = Error("SLU028", "A function that does not fit the parents of its node",
        "The function of a node takes what its parents produce, in their order, and a token if it is asynchronous.");

    public static readonly DiagnosticDescriptor FlowMisfit = Error("SLU029", "No function of a data flow",
        "A stage of a data flow is made of functions whose parameters have names and types, and of other flows.");

    public static readonly DiagnosticDescriptor NullableArgument = Error("SLU030",
        "The future of a value where a step takes one that may be null",
        "As converts a future of int, or of a task of int, to a future of int?.");

    public static readonly DiagnosticDescriptor Wiring = Error("SLU031", "An output of a consecutor that is wired like a stage",
        "Wiring changes what a consecutor does, so it is a call and no expression: output.To(consecutor), consecutor.From([output, …]).");

    public static readonly DiagnosticDescriptor NullState = Warning("SLU032", "A state that begins as null",
        "A key that has no state yet begins with what InitialState returns, which is the default of its type unless it is overridden.");

    public static readonly DiagnosticDescriptor MissingParent = Warning("SLU036", "A node that asks for a node that is not its parent",
        "A node starts when its parents have ended; other nodes may not have ended then.");

    private const string Category = "Sluice";
    private const string Documentation = "docs/analyzers.md#";

    private static DiagnosticDescriptor Warning(string id, string title, string description) =>
        Rule(id, title, DiagnosticSeverity.Warning, description);

    private static DiagnosticDescriptor Error(string id, string title, string description) =>
        Rule(id, title, DiagnosticSeverity.Error, description);

    private static DiagnosticDescriptor Rule(string id, string title, DiagnosticSeverity severity, string description) =>
        new(id, title, "{0}", Category, severity, isEnabledByDefault: true, description, Documentation + SectionOf(id));

    // The rules of steps share a section.
    private static string SectionOf(string id) => id.StartsWith("SLU01", StringComparison.Ordinal) ? "slu010" : id.ToLowerInvariant();
}
