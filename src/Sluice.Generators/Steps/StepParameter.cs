using System.Collections.Generic;
using System.Linq;

namespace Sluice.Generators;

/// <summary>A parameter of a method, and of its twin.</summary>
internal sealed class StepParameter
{
    private static readonly string[] Collections = ["IEnumerable`1", "IReadOnlyList`1", "IReadOnlyCollection`1", "IList`1", "ICollection`1", "List`1"];

    private readonly IParameterSymbol parameter;
    private readonly string argument;                // the type of the call's parameter
    private readonly string given;                   // the type of the twin's parameter
    private readonly string stored;                   // of the call
    private readonly bool isOptional;                // in the twin

    private StepParameter(IParameterSymbol parameter, bool isOptional, string suffix)
    {
        this.parameter = parameter;
        this.isOptional = isOptional;
        stored = parameter.Name + suffix;
        Element = ElementOf(parameter.Type);
        argument = Element is null ? $"global::Sluice.Arg<{StepNames.Of(parameter.Type)}>" : $"global::Sluice.Args<{StepNames.Of(Element)}>";
        given = Underlying is { } value ? $"global::Sluice.NullableArg<{StepNames.Of(value)}>" : argument;
    }

    /// <summary>Those of a method, without the token.</summary>
    public static List<StepParameter> All(IMethodSymbol method)
    {
        List<IParameterSymbol> all = [.. method.Parameters.Where(parameter => !StepReader.IsToken(parameter))];
        int required = all.FindLastIndex(parameter => !parameter.IsOptional && !parameter.IsParams);
        // The call derives from a future: without a suffix a parameter of a name such as "Name" would be hidden by what it inherits.
        string suffix = "_";
        while (all.Any(parameter => method.TypeParameters.Any(type => type.Name == parameter.Name + suffix))) suffix += "_";
        return [.. all.Select((parameter, i) => new StepParameter(parameter, i > required, suffix))];
    }

    public ITypeSymbol Type => parameter.Type;

    /// <summary>Null where it is no collection.</summary>
    public ITypeSymbol? Element { get; }

    /// <summary>As it stands in the documentation.</summary>
    public string PlainName => parameter.Name;

    /// <summary>What a reader of the documentation wants to know.</summary>
    public string Description => Element is null ? "A value, or the future of one." : "Values and futures mixed, or the future of all.";

    /// <summary>"Arg&lt;int&gt;? retries = null".</summary>
    public string InTwin
    {
        get
        {
            string type = isOptional ? $"{given}?" : given, tail = isOptional ? $" {Name} = null" : $" {Name}";
            if (Element is not null || parameter.Type is not { IsReferenceType: true, NullableAnnotation: NullableAnnotation.Annotated, TypeKind: not (TypeKind.Dynamic or TypeKind.TypeParameter) }) return type + tail;
            // What may be null takes futures of what may not: to the compiler they are different types, unless it is told nothing about null.
            string plain = StepNames.Of(parameter.Type.WithNullableAnnotation(NullableAnnotation.None));
            return plain.Contains("?") ? type + tail
                : $"\n#nullable disable annotations\n    global::Sluice.Arg<{plain}>{(isOptional ? "?" : "")}{tail}\n#nullable restore annotations\n    ";
        }
    }

    /// <summary>"int retries": where only a plain value is given; null where that would be taken for something else.</summary>
    public string? InPlain => isOptional || Element is not null || parameter.Type.TypeKind == TypeKind.Dynamic ? null : $"{StepNames.Of(parameter.Type)} {Name}";

    public string GivenPlain => $"global::Sluice.Arg.Of<{StepNames.Of(parameter.Type)}>({Name})";

    /// <summary>"Arg&lt;int&gt; retries_".</summary>
    public string InCall => MayBeNone ? $"{argument}? {stored}" : $"{argument} {stored}";

    /// <summary>What the twin gives to the call.</summary>
    public string Given => !isOptional && Underlying is not null ? $"{Name}.ToArg()"
        : !isOptional || MayBeNone ? Name
        : Element is not null ? $"{Name} ?? default"
        : Underlying is not null ? $"{Name}?.ToArg() ?? global::Sluice.Arg.Of<{StepNames.Of(parameter.Type)}>({StepDefault.Of(parameter)})"
        : $"{Name} ?? global::Sluice.Arg.Of<{StepNames.Of(parameter.Type)}>({StepDefault.Of(parameter)})";

    public string Gathered => MayBeNone ? $"if ({stored} is {{ }} {Local}) Needs({Local});" : $"Needs({stored});";

    public string Forgotten => $"{stored} = default;";

    /// <summary>What a call of a pure step is known by: a collection by its elements.</summary>
    public string Key => Element is null ? $"(object?)ValueOf({stored})" : MayBeNone ? $"({stored}.HasValue ? KeyOf(ValuesOf({stored}.Value)) : null)" : $"KeyOf(ValuesOf({stored}))";

    /// <summary>What has to stand before the call of the method, where the method takes a reference; null for nothing.</summary>
    public string? Before => IsReference ? $"{(parameter.Type.TypeKind == TypeKind.Dynamic ? "object" : StepNames.Of(parameter.Type))} {Local} = {ByValue};" : null;

    /// <summary>What the call gives to the method.</summary>
    public string Value => IsReference ? $"in {Local}" : ByValue;

    private string Name => StepNames.Escape(parameter.Name);

    private string Local => $"given{parameter.Ordinal}";

    /// <summary>Of <c>int?</c> and the like; null for others.</summary>
    private ITypeSymbol? Underlying => parameter.Type is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable ? nullable.TypeArguments[0] : null;

    private bool IsReference => parameter.RefKind is RefKind.In or RefKind.RefReadOnlyParameter;

    /// <summary>A collection that the method may be called without: then it gets null.</summary>
    private bool MayBeNone => isOptional && Element is not null && !parameter.IsParams;

    /// <summary>Of exactly the parameter's type: another would call another overload.</summary>
    private string ByValue
    {
        get
        {
            string sure = StepAttributes.Has(parameter, "System.Diagnostics.CodeAnalysis.DisallowNullAttribute") ? "!" : "";
            if (Element is null) return parameter.Type.TypeKind == TypeKind.Dynamic ? $"(object)ValueOf({stored})!" : $"ValueOf({stored}){sure}";
            string given = MayBeNone ? $"{stored}.Value" : stored;
            string values = parameter.Type switch
            {
                { TypeKind: TypeKind.Class or TypeKind.Interface } => $"ValuesOf<{StepNames.Of(parameter.Type.WithNullableAnnotation(NullableAnnotation.NotAnnotated))}, {StepNames.Of(Element)}>({given})",
                _ => $"ValuesOf({given})",
            };
            return MayBeNone ? $"{stored}.HasValue ? {values} : null!" : values;
        }
    }

    /// <summary>Why it cannot be an argument; null if it can.</summary>
    public static string? Problem(IParameterSymbol parameter) => parameter switch
    {
        { RefKind: RefKind.Ref or RefKind.Out } => "it is passed by reference, and the caller has gone on when the step runs",
        { Type.IsRefLikeType: true } => $"{parameter.Type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat)} lives on the stack, and the caller has gone on when the step runs; take an array or a Memory",
        { Type: ITypeParameterSymbol { AllowsRefLikeType: true } } => "its type may be one that lives on the stack (allows ref struct)",
        _ => HoldsPointers(parameter.Type) ? parameter.Type.TypeKind is TypeKind.Pointer or TypeKind.FunctionPointer ? "it is a pointer" : "it holds pointers" : null,
    };

    public static bool HoldsPointers(ITypeSymbol type) => type switch
    {
        IPointerTypeSymbol or IFunctionPointerTypeSymbol => true,
        IArrayTypeSymbol array => HoldsPointers(array.ElementType),
        INamedTypeSymbol named => named.TypeArguments.Any(HoldsPointers) || (named.ContainingType is { } outer && HoldsPointers(outer)),
        _ => false,
    };

    /// <summary>The attribute that has the compiler fill it in, where the method is called; null for none.</summary>
    public static string? CallerInfo(IParameterSymbol parameter)
        => parameter.GetAttributes().Select(attribute => attribute.AttributeClass).FirstOrDefault(type => type is { Name: "CallerMemberNameAttribute" or "CallerFilePathAttribute" or "CallerLineNumberAttribute" or "CallerArgumentExpressionAttribute" }
            && type.ContainingNamespace.ToDisplayString() == "System.Runtime.CompilerServices")?.Name.Replace("Attribute", "");

    private static ITypeSymbol? ElementOf(ITypeSymbol type)
    {
        if (type is IArrayTypeSymbol { Rank: 1 } array) return array.ElementType;
        return type is INamedTypeSymbol { Arity: 1 } named && Collections.Contains(named.OriginalDefinition.MetadataName)
            && named.ContainingNamespace.ToDisplayString() == "System.Collections.Generic" ? named.TypeArguments[0] : null;
    }
}
