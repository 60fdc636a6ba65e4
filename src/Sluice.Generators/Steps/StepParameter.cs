using System.Collections.Generic;
using System.Linq;

namespace Sluice.Generators;

/// <summary>A parameter of a method, and of its twin.</summary>
internal sealed class StepParameter
{
    private static readonly string[] Collections = ["IEnumerable`1", "IReadOnlyList`1", "IReadOnlyCollection`1", "IList`1", "ICollection`1",
        "List`1"];

    private readonly IParameterSymbol parameter;
    private readonly string argument;                // the type of the call's parameter
    private readonly string given;                   // the type of the twin's parameter
    private readonly string stored;                   // the name of the call's parameter
    private readonly bool isOptional;                // in the twin

    private StepParameter(IParameterSymbol parameter, bool isOptional, string suffix)
    {
        this.parameter = parameter;
        this.isOptional = isOptional;
        stored = parameter.Name + suffix;
        Element = ElementOf(parameter.Type);
        argument = Element is null ? $"global::Sluice.Graphs.Arg<{StepNames.Of(parameter.Type)}>"
            : $"global::Sluice.Graphs.Args<{StepNames.Of(Element)}>";
        given = Underlying is { } value ? $"global::Sluice.Graphs.NullableArg<{StepNames.Of(value)}>" : argument;
    }

    /// <summary>The parameters of a method, without the cancellation token.</summary>
    public static List<StepParameter> All(IMethodSymbol method)
    {
        List<IParameterSymbol> all = [.. method.Parameters.Where(parameter => !StepReader.IsToken(parameter))];
        int required = all.FindLastIndex(parameter => !parameter.IsOptional && !parameter.IsParams);
        // The call derives from a future: without a suffix, inherited members would hide a parameter such as "Name".
        string suffix = "_";
        while (all.Any(parameter => method.TypeParameters.Any(type => type.Name == parameter.Name + suffix))) suffix += "_";
        return [.. all.Select((parameter, i) => new StepParameter(parameter, i > required, suffix))];
    }

    public ITypeSymbol Type => parameter.Type;

    /// <summary>The element type of a collection; null if the parameter is no collection.</summary>
    public ITypeSymbol? Element { get; }

    /// <summary>The name in the documentation.</summary>
    public string PlainName => parameter.Name;

    /// <summary>The text in the documentation.</summary>
    public string Description => Element is null ? "A value, or the future of one." : "Values and futures mixed, or the future of all.";

    /// <summary>The parameter in the twin, as "Arg&lt;int&gt;? retries = null".</summary>
    public string InTwin
    {
        get
        {
            string type = isOptional ? $"{given}?" : given, tail = isOptional ? $" {Name} = null" : $" {Name}";
            if (Element is not null || parameter.Type is not
                {
                    IsReferenceType: true, NullableAnnotation: NullableAnnotation.Annotated,
                    TypeKind: not (TypeKind.Dynamic or TypeKind.TypeParameter)
                }) return type + tail;
            // A nullable parameter takes futures of non-null values: different types to the compiler, unless annotations are disabled.
            // 'restore' would bring back the setting of the project.
            string plain = StepNames.Of(parameter.Type.WithNullableAnnotation(NullableAnnotation.None));
            return plain.Contains("?") ? type + tail
                : $"\n#nullable disable annotations\n    global::Sluice.Graphs.Arg<{plain}>{(isOptional ? "?" : "")}{tail}\n#nullable "
                + $"enable annotations\n    ";
        }
    }

    /// <summary>The parameter in an overload with plain values, as "int retries"; null if that would be ambiguous.</summary>
    public string? InPlain => isOptional || Element is not null || parameter.Type.TypeKind == TypeKind.Dynamic ? null
        : $"{StepNames.Of(parameter.Type)} {Name}";

    public string GivenPlain => $"global::Sluice.Graphs.Arg.Of<{StepNames.Of(parameter.Type)}>({Name})";

    /// <summary>The parameter in the call, as "Arg&lt;int&gt; retries_".</summary>
    public string InCall => MayBeNone ? $"{argument}? {stored}" : $"{argument} {stored}";

    /// <summary>The argument that the twin passes to the call.</summary>
    public string Given => !isOptional && Underlying is not null ? $"{Name}.ToArg()"
        : !isOptional || MayBeNone ? Name
        : Element is not null ? $"{Name} ?? default"
        : Underlying is not null
        ? $"{Name}?.ToArg() ?? global::Sluice.Graphs.Arg.Of<{StepNames.Of(parameter.Type)}>({StepDefault.Of(parameter)})"
        : $"{Name} ?? global::Sluice.Graphs.Arg.Of<{StepNames.Of(parameter.Type)}>({StepDefault.Of(parameter)})";

    public string Gathered => MayBeNone ? $"if ({stored} is {{ }} {Local}) Needs({Local});" : $"Needs({stored});";

    public string Forgotten => $"{stored} = default;";

    /// <summary>The part of the key of a pure step's call; a collection counts by its elements.</summary>
    public string Key => Element is null ? $"(object?)ValueOf({stored})" : $"KeyOf(ref {stored})";

    /// <summary>The statement before the call of the method if the method takes a reference; otherwise null.</summary>
    public string? Before
        => IsReference ? $"{(parameter.Type.TypeKind == TypeKind.Dynamic ? "object" : StepNames.Of(parameter.Type))} {Local} = {ByValue};"
        : null;

    /// <summary>The argument that the call passes to the method.</summary>
    public string Value => IsReference ? $"in {Local}" : ByValue;

    private string Name => StepNames.Escape(parameter.Name);

    private string Local => $"given{parameter.Ordinal}";

    /// <summary>The underlying type of <c>int?</c> and the like; null for other types.</summary>
    private ITypeSymbol? Underlying
        => parameter.Type is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable
        ? nullable.TypeArguments[0] : null;

    private bool IsReference => parameter.RefKind is RefKind.In or RefKind.RefReadOnlyParameter;

    /// <summary>Whether it is an optional collection: if it is left out, the method gets null.</summary>
    private bool MayBeNone => isOptional && Element is not null && !parameter.IsParams;

    /// <summary>The value with exactly the parameter's type; another type might choose another overload.</summary>
    private string ByValue
    {
        get
        {
            string sure = StepAttributes.Has(parameter, "System.Diagnostics.CodeAnalysis.DisallowNullAttribute") ? "!" : "";
            if (Element is null) return parameter.Type.TypeKind == TypeKind.Dynamic ? $"(object)ValueOf({stored})!"
                : $"ValueOf({stored}){sure}";
            string given = MayBeNone ? $"{stored}.Value" : stored;
            string values = parameter.Type switch
            {
                { TypeKind: TypeKind.Class or TypeKind.Interface }
                    => $"ValuesOf<{StepNames.Of(parameter.Type.WithNullableAnnotation(NullableAnnotation.NotAnnotated))}, {StepNames.Of(Element)}>({given})",
                _ => $"ValuesOf({given})",
            };
            return MayBeNone ? $"{stored}.HasValue ? {values} : null!" : values;
        }
    }

    /// <summary>The reason why it cannot be a parameter of a step; null if it can.</summary>
    public static string? Problem(IParameterSymbol parameter) => parameter switch
    {
        { RefKind: RefKind.Ref or RefKind.Out } => "it is passed by reference, and the caller has gone on when the step runs",
        { Type.IsRefLikeType: true }
            => $"{parameter.Type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat)} lives on the stack, and the caller has "
                + $"gone on when the step runs; take an array or a Memory",
        { Type: ITypeParameterSymbol { AllowsRefLikeType: true } } => "its type may be one that lives on the stack (allows ref struct)",
        _ => HoldsPointers(parameter.Type) ? parameter.Type.TypeKind is TypeKind.Pointer or TypeKind.FunctionPointer ? "it is a pointer"
            : "it holds pointers" : null,
    };

    public static bool HoldsPointers(ITypeSymbol type) => type switch
    {
        IPointerTypeSymbol or IFunctionPointerTypeSymbol => true,
        IArrayTypeSymbol array => HoldsPointers(array.ElementType),
        INamedTypeSymbol named => named.TypeArguments.Any(HoldsPointers) || (named.ContainingType is { } outer && HoldsPointers(outer)),
        _ => false,
    };

    /// <summary>The attribute by which the compiler fills it in at the call of the method; null if there is none.</summary>
    public static string? CallerInfo(IParameterSymbol parameter)
        => parameter.GetAttributes().Select(attribute => attribute.AttributeClass)
        .FirstOrDefault(type => type is
        {
            Name: "CallerMemberNameAttribute" or "CallerFilePathAttribute" or "CallerLineNumberAttribute"
        or "CallerArgumentExpressionAttribute"
        }
            && type.ContainingNamespace.ToDisplayString() == "System.Runtime.CompilerServices")?.Name.Replace("Attribute", "");

    private static ITypeSymbol? ElementOf(ITypeSymbol type)
    {
        if (type is IArrayTypeSymbol { Rank: 1 } array) return array.ElementType;
        return type is INamedTypeSymbol { Arity: 1 } named && Collections.Contains(named.OriginalDefinition.MetadataName)
            && named.ContainingNamespace.ToDisplayString() == "System.Collections.Generic" ? named.TypeArguments[0] : null;
    }
}
